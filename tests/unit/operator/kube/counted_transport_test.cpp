#include "operator/kube/counted_transport.hpp"

#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(CountedTransport, CountsAnswersByMethodAndStatus) {
    boost::asio::io_context io;
    test::ScriptedApi api(io);
    api.answer_with(runtime::Method::Delete, "/x", {0, "refused", {}, ""});
    CountedTransport counted(api);
    int answers = 0;
    for (const auto method : {runtime::Method::Get, runtime::Method::Get, runtime::Method::Delete})
        counted.send({method, "/x", {}, {}, {}}, [&](const auto&) { ++answers; });
    test::settle(io);
    EXPECT_EQ(answers, 3);
    EXPECT_THAT(
        counted.counts(),
        ElementsAre(Pair(Pair("DELETE", "<error>"), 1U), Pair(Pair("GET", "200"), 2U))
    );
}

TEST(CountedTransport, AStreamCountsWhenItEnds) {
    boost::asio::io_context io;
    test::ScriptedApi api(io);
    CountedTransport counted(api);
    int ends = 0;
    const auto ignore = [](std::string_view) {};
    const runtime::Request request{runtime::Method::Get, "/api/v1/pods", {}, {}, {}};
    counted.stream(request, ignore, [&](const auto&) { ++ends; });
    EXPECT_TRUE(counted.counts().empty());
    api.end_streams({200, "", {}, ""});
    test::settle(io);
    EXPECT_EQ(ends, 1);
    EXPECT_THAT(counted.counts(), ElementsAre(Pair(Pair("GET", "200"), 1U)));
    counted.cancel(counted.stream(request, ignore, [&](const auto&) { ++ends; }));
    EXPECT_EQ(api.streams(), 0U);
}

TEST(CountedTransport, MethodsHaveTheirNames) {
    EXPECT_EQ(to_string(runtime::Method::Get), "GET");
    EXPECT_EQ(to_string(runtime::Method::Post), "POST");
    EXPECT_EQ(to_string(runtime::Method::Put), "PUT");
    EXPECT_EQ(to_string(runtime::Method::Patch), "PATCH");
    EXPECT_EQ(to_string(runtime::Method::Delete), "DELETE");
}

}  // namespace
}  // namespace penstock::kube
