// Bytes of a logged-in client.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

TEST(ClientPath, QueryGoesToTheServerAndItsRowsComeBack) {
    Script script = pooled();
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
