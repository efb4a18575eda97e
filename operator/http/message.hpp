// HTTP/1.1 messages as the operator uses them, whichever library carries them.
#pragma once

#include <string>

namespace penstock::http {

struct Request {
    std::string method = "GET";
    std::string target = "/";
    std::string bearer_token;  // empty: no Authorization header
    std::string body;          // JSON
};

struct Reply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string identity{};  // header api::identity_header; empty: there is none
};

}  // namespace penstock::http
