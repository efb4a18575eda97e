#include "operator/host/events.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

domain::Event event(const std::string& note) {
    return {
        domain::Kind::ConnectionPool,
        "default/orders",
        domain::EventType::Warning,
        "Database",
        "DatabaseUnreachable",
        note};
}

TEST(Events, SameEventCountsUpAndMovesToTheEnd) {
    Events events;
    events.add(event("a"), "2024-05-01T12:00:00Z");
    events.add(event("b"), "2024-05-01T12:00:01Z");
    events.add(event("a"), "2024-05-01T12:00:02Z");
    const api::Document list = events.encode();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0]["note"], "b");
    EXPECT_EQ(list[1]["count"], 2);
    EXPECT_EQ(list[1]["type"], "Warning");
    EXPECT_EQ(list[1]["firstTime"], "2024-05-01T12:00:00Z");
    EXPECT_EQ(list[1]["lastTime"], "2024-05-01T12:00:02Z");
}

TEST(Events, OnlyTheNewestAreKept) {
    Events events;
    for (int i = 0; i < 200; ++i) events.add(event(std::to_string(i)), "2024-05-01T12:00:00Z");
    const api::Document list = events.encode();
    ASSERT_EQ(list.size(), Events::count_max);
    EXPECT_EQ(list.back()["note"], "199");
}

TEST(Events, AreReadBackAsTheyWere) {
    Events events;
    events.add(event("a"), "2024-05-01T12:00:00Z");
    events.add(event("a"), "2024-05-01T12:00:02Z");
    EXPECT_EQ(Events::decode(events.encode()).encode(), events.encode());
}

TEST(Events, OtherDocumentsGiveNone) {
    for (const char* text : {"{}", "[5, {}, {\"reason\": 7}]", "null"})
        EXPECT_TRUE(Events::decode(api::parse_json(text).value()).encode().empty()) << text;
}

}  // namespace
}  // namespace penstock::host
