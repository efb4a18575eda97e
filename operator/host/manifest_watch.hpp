// Says that a folder of manifests has changed: inotify, and a slow rescan for file systems that do
// not tell. One per folder; lives on its io_context's thread. Does not read the files.
#pragma once

#include "crds/api/result.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace penstock::host {

// *.yaml and *.yml, not hidden.
bool is_manifest(const std::filesystem::path& file);

// The manifests of the folder, sorted by name.
api::Result<std::vector<std::filesystem::path>> manifest_files(const std::filesystem::path& folder);

class ManifestWatch {
 public:
    struct Timing {
        std::chrono::milliseconds settle{
            100};  // quiet time after an event: an editor's writes are taken as one
        std::chrono::milliseconds rescan{5000};
    };

    // `on_change` is called after an event in the folder has settled, and at each rescan.
    static api::Result<std::unique_ptr<ManifestWatch>> start(
        boost::asio::io_context& io,
        std::filesystem::path folder,
        Timing timing,
        std::function<void()> on_change
    );
    ~ManifestWatch();
    ManifestWatch(const ManifestWatch&) = delete;
    ManifestWatch& operator=(const ManifestWatch&) = delete;

 private:
    struct State;
    explicit ManifestWatch(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace penstock::host
