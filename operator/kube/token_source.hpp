// The bearer token of requests. A token file is read again every minute, and at once when the
// server refuses what it said. Safe from any thread.
#pragma once

#include "operator/kube/credentials.hpp"

#include <chrono>
#include <mutex>
#include <string>

namespace penstock::kube {

class TokenSource {
 public:
    using Time = std::chrono::steady_clock::time_point;

    explicit TokenSource(Material material) : material_(std::move(material)) {}

    // Empty: none is needed. A file that cannot be read leaves the token read last in use.
    api::Result<std::string> get(Time now);

    // The server has refused `token`. Whether there is another one to try.
    bool refused(const std::string& token, Time now);

 private:
    api::Result<std::string> read(Time now);

    std::mutex mutex_;
    Material material_;
    std::string token_;
    Time read_{};
    bool is_read_ = false;
};

}  // namespace penstock::kube
