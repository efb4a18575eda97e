// `penstock-operator local DIR`: watches manifests, runs proxies, and goes on until it is told to
// end.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace penstock::host {

struct LocalOptions {
    std::filesystem::path manifests;
    std::filesystem::path state;    // empty: MANIFESTS/.penstock
    std::filesystem::path program;  // penstock-proxy
    std::string listen_address = "127.0.0.1";
    std::string metrics_address;  // empty: no port
    std::chrono::milliseconds interval{500};
    bool once = false;          // end when every pool is Ready, and leave the proxies running
    bool keep_proxies = false;  // leave them running whenever it ends
    std::chrono::seconds once_timeout{60};

    std::filesystem::path state_folder() const {
        return state.empty() ? manifests / ".penstock" : state;
    }
};

// Returns the exit status. Faults that end it are on stderr.
int run_local(const LocalOptions& options);

}  // namespace penstock::host
