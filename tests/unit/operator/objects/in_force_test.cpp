#include "operator/objects/in_force.hpp"

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

using api::Document;

TEST(InForce, WhatTheServerAddsIsPassedOver) {
    const Document wanted{{"spec", {{"replicas", 2}, {"ports", {{{"port", 1}}}}}}};
    Document live = wanted;
    live["status"] = {{"replicas", 1}};
    live["spec"]["ports"][0]["protocol"] = "TCP";
    EXPECT_TRUE(is_in_force(wanted, live));
    EXPECT_EQ(first_difference(wanted, live), "");
}

TEST(InForce, DifferencesAreNamedByTheirPlace) {
    struct Case {
        Document wanted, live;
        const char* place;
    };
    const Case cases[] = {
        {{{"a", 1}}, {{"a", 2}}, "a"},
        {{{"a", 1}}, Document::object(), "a"},
        {{{"a", {{"b", "x"}}}}, {{"a", {{"b", "y"}}}}, "a.b"},
        {{{"l", {1, 2}}}, {{"l", {1}}}, "l"},
        {{{"l", {1, 2}}}, {{"l", {1, 3}}}, "l[1]"},
    };
    for (const Case& each : cases)
        EXPECT_EQ(first_difference(each.wanted, each.live), each.place) << each.wanted;
}

TEST(InForce, EmptyIsTheSameAsAbsent) {
    EXPECT_TRUE(is_in_force({{"a", Document::object()}}, Document::object()));
    EXPECT_TRUE(is_in_force({{"a", Document::array()}}, Document::object()));
}

}  // namespace
}  // namespace penstock::objects
