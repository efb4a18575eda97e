// What is asked of the Kubernetes API and what it answers, as values. The transport
// (operator/kube) carries them; everything pure makes and reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::runtime {

enum class Method : std::uint8_t { Get, Post, Put, Patch, Delete };

struct Request {
    Method method = Method::Get;
    std::string path;  // "/apis/apps/v1/namespaces/a/deployments/b"
    std::vector<std::pair<std::string, std::string>> query;  // not escaped yet
    std::string content_type;                                // of the body; empty: no body
    std::string body;

    bool operator==(const Request&) const = default;
};

struct Response {
    int status = 0;     // of HTTP; 0: there is no answer, `fault` says why
    std::string fault;  // in words, when status is 0
    std::optional<std::chrono::seconds> retry_after;
    std::string body;

    bool ok() const { return status >= 200 && status < 300; }
    bool operator==(const Response&) const = default;
};

}  // namespace penstock::runtime
