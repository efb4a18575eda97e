// The project's own files, read once, for tests that look at the text of the sources. Test programs
// only.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::tidy {

struct SourceFile {
    std::string path;  // from the repository's root, with slashes
    std::vector<std::string> lines;
};

inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// All files below the folders whose name ends in one of the endings, in the order of their paths.
inline std::vector<SourceFile> source_files(
    const std::vector<std::string>& folders, const std::vector<std::string>& endings
) {
    const std::filesystem::path root = PENSTOCK_SOURCE_DIR;
    std::vector<SourceFile> files;
    for (const std::string& folder : folders) {
        if (!std::filesystem::exists(root / folder)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
            const std::string ending = entry.path().extension().string();
            const bool wanted = entry.is_regular_file() &&
                                std::find(endings.begin(), endings.end(), ending) != endings.end();
            if (wanted) {
                files.push_back({
                    std::filesystem::relative(entry.path(), root).generic_string(),
                    lines_of(entry.path()),
                });
            }
        }
    }
    std::sort(files.begin(), files.end(), [](const SourceFile& a, const SourceFile& b) {
        return a.path < b.path;
    });
    return files;
}

// A line without its // comment and without what stands between double quotes.
inline std::string code_of(std::string_view line) {
    std::string code;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (!quoted && line.substr(i, 2) == "//") break;
        if (line[i] == '\\' && quoted) {
            ++i;
            continue;
        }
        if (line[i] == '"' && (i == 0 || line[i - 1] != '\'')) {
            quoted = !quoted;
            continue;
        }
        if (!quoted) code.push_back(line[i]);
    }
    return code;
}

// "path:line", as compilers and editors write it.
inline std::string place(const SourceFile& file, std::size_t index) {
    return file.path + ":" + std::to_string(index + 1);
}

}  // namespace penstock::tidy
