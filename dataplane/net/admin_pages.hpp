// What the admin port and the grants port answer: health, metrics, the report out and the grant in.
// Knows nothing of sockets. The control thread only.
#pragma once

#include "crds/api/grant.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace penstock::net {

struct AdminRequest {
    std::string_view method;  // "GET"
    std::string_view target;  // path and query
    std::string_view authorization;
    std::string_view body;
};

struct AdminResponse {
    unsigned status = 200;
    std::string content_type;
    std::string body;
    std::string identity{};  // of this proxy, in the header api::identity_header; empty: none
};

// Which of the pages a port has.
enum class Door : std::uint8_t {
    All,           // the only port: a bearer token opens it for grants
    Observations,  // health and metrics; grants have a port of their own
    Grants,        // grants and reports: whoever comes so far has shown its certificate
};

// Where the pages come from.
struct AdminPages {
    std::function<std::string()> why_not_ready;  // empty: ready
    std::function<std::string()> metrics;
    std::function<api::Report()> report;
    std::function<bool(const api::Grant&)> take_grant;  // false: not newer than the one in force
    std::function<std::string()> token;                 // empty: grants are refused
};

AdminResponse answer(const AdminRequest& request, const AdminPages& pages, Door door);

}  // namespace penstock::net
