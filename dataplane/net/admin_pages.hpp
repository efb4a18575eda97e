// What the admin port answers: health, metrics, the report out and the grant in. Knows nothing of
// sockets. The control thread only.
#pragma once

#include "crds/api/grant.hpp"

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
};

// Where the pages come from.
struct AdminPages {
    std::function<bool()> is_ready;
    std::function<std::string()> metrics;
    std::function<api::Report()> report;
    std::function<bool(const api::Grant&)> take_grant;  // false: not newer than the one in force
    std::function<std::string()> token;                 // empty: grants are refused
};

AdminResponse answer(const AdminRequest& request, const AdminPages& pages);

}  // namespace penstock::net
