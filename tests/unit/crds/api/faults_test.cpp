#include "crds/api/faults.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

TEST(Faults, BlamesAPathAndWhatIsInside) {
    Faults faults;
    faults.add("spec.database", "is required");
    EXPECT_TRUE(faults.blames("spec.database"));
    EXPECT_TRUE(faults.blames("spec.database.host"));
    EXPECT_TRUE(faults.blames("spec.database[0]"));
    EXPECT_FALSE(faults.blames("spec.databases"));
    EXPECT_FALSE(faults.blames("spec"));
}

TEST(Faults, MembersAreOneLevelDown) {
    Faults faults;
    faults.add("spec.sizing.mode", "is wrong");
    EXPECT_TRUE(faults.blames_member_of("spec.sizing"));
    EXPECT_FALSE(faults.blames_member_of("spec"));
    EXPECT_FALSE(faults.blames_member_of("spec.budget"));

    Faults at_top;
    at_top.add("pool", "is wrong");
    EXPECT_TRUE(at_top.blames_member_of(""));
}

TEST(Faults, PathsAreJoined) {
    EXPECT_EQ(child_path("", "spec"), "spec");
    EXPECT_EQ(child_path("spec", "replicas"), "spec.replicas");
    EXPECT_EQ(element_path("targets", 2), "targets[2]");
    EXPECT_EQ(entry_path("labels", "app"), "labels[app]");
}

TEST(Faults, WarningsAreKeptApart) {
    Faults faults;
    faults.warn("x", "is not a field");
    EXPECT_TRUE(faults.errors().empty());
    EXPECT_EQ(faults.warnings().size(), 1U);
    EXPECT_FALSE(faults.blames("x"));
}

}  // namespace
}  // namespace penstock::api
