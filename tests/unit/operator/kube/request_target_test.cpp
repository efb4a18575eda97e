#include "operator/kube/request_target.hpp"

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

TEST(RequestTarget, QueryIsEscaped) {
    runtime::Request request;
    request.path = "/api/v1/pods";
    EXPECT_EQ(request_target(request), "/api/v1/pods");
    request.query = {{"labelSelector", "a=b,c in (d)"}, {"x", "+&%\u00fc"}};
    EXPECT_EQ(
        request_target(request),
        "/api/v1/pods?labelSelector=a%3Db%2Cc%20in%20%28d%29&x=%2B%26%25%C3%BC"
    );
}

TEST(RequestTarget, RetryAfterIsANumberOfSeconds) {
    EXPECT_EQ(read_seconds("12"), std::chrono::seconds(12));
    for (const char* text :
         {"", "-1", "1.5", "12 ", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999"})
        EXPECT_EQ(read_seconds(text), std::nullopt) << text;
}

TEST(RequestTarget, AddressesAreNotNames) {
    for (const char* server :
         {"https://10.96.0.1:443", "https://10.96.0.1", "https://[fd00::1]:443/prefix"})
        EXPECT_TRUE(is_ip_address(server)) << server;
    for (const char* server : {"https://api.example:6443", "https://localhost", "https://10.a:1"})
        EXPECT_FALSE(is_ip_address(server)) << server;
}

}  // namespace
}  // namespace penstock::kube
