#include "operator/http/server.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

namespace penstock::http {
namespace {

Reply nothing(const Request&) { return {}; }

TEST(Server, WrongAddressSaysWhatARightOneIs) {
    boost::asio::io_context io{1};
    for (const char* address :
         {"", "9180", "localhost:9180", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:1x"}) {
        const auto server = Server::listen(io, address, nothing);
        ASSERT_FALSE(server) << address;
        EXPECT_THAT(server.error().text, testing::HasSubstr("ADDRESS:PORT"));
    }
}

TEST(Server, PortInUseIsAnErrorThatNamesIt) {
    boost::asio::io_context io{1};
    const auto first = Server::listen(io, "127.0.0.1:0", nothing).value();
    const std::string address = "127.0.0.1:" + std::to_string(first->port());
    const auto second = Server::listen(io, address, nothing);
    ASSERT_FALSE(second);
    EXPECT_EQ(api::to_string(second.error()), address + ": cannot listen: Address already in use");
}

}  // namespace
}  // namespace penstock::http
