// Texts that are shown to people, each kept in a file: written only when it has changed, and
// written again later when the disk does not take it. A file that cannot be written stops nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace penstock::host {

class StatusFiles {
 public:
    explicit StatusFiles(std::filesystem::path folder);

    // What the file shall hold from now on. Written at once; if that fails, by retry().
    void put(const std::string& name, std::string text);
    void remove(const std::string& name);
    // Writes what could not be written so far.
    void retry();

    // Why the last attempt failed; empty while the files are current.
    const std::string& fault() const { return fault_; }
    std::uint64_t writes() const { return writes_; }
    std::uint64_t failures() const { return failures_; }

 private:
    struct File {
        std::string text;
        bool is_current = false;
    };
    void write(const std::string& name, File& file);
    void refresh_fault();

    std::filesystem::path folder_;
    std::map<std::string, File> files_;
    std::string fault_;
    std::uint64_t writes_ = 0;
    std::uint64_t failures_ = 0;
};

}  // namespace penstock::host
