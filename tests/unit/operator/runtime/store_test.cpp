#include "operator/runtime/store.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

api::Document object(const std::string& name, int version, const std::string& value = "") {
    api::Document document;
    document["metadata"] = {
        {"namespace", "a"}, {"name", name}, {"resourceVersion", std::to_string(version)}};
    document["metadata"]["managedFields"] = api::Document::array({"much"});
    document["value"] = value;
    return document;
}

std::string value_of(const Store& store, const std::string& key) {
    const Snapshot found = store.find(key);
    return found ? found->at("value").get<std::string>() : "-";
}

TEST(Store, KeysAndVersions) {
    EXPECT_EQ(key_of("a", "b"), "a/b");
    EXPECT_EQ(key_of("", "b"), "b");
    EXPECT_EQ(key_of(object("x", 1)), "a/x");
    EXPECT_EQ(key_of(api::Document::array()), std::nullopt);
    EXPECT_EQ(key_of(*api::parse_json(R"({"metadata":{"name":7}})")), std::nullopt);
    EXPECT_EQ(version_of(object("x", 12)), 12U);
    EXPECT_EQ(version_number("12a"), 0U);
    EXPECT_EQ(version_number(""), 0U);
}

TEST(Store, FollowsTheWatchAndCountsChanges) {
    Store store;
    EXPECT_TRUE(store.apply(object("x", 1, "old")));
    const Snapshot kept = store.find("a/x");
    EXPECT_TRUE(store.apply(object("x", 2, "new")));
    EXPECT_EQ(value_of(store, "a/x"), "new");
    EXPECT_EQ(kept->at("value"), "old");  // a reader's snapshot does not change
    EXPECT_FALSE(kept->at("metadata").contains("managedFields"));
    EXPECT_EQ(store.changes(), 2U);
    EXPECT_TRUE(store.apply(object("x", 2, "new")));
    EXPECT_EQ(store.changes(), 2U);
    EXPECT_TRUE(store.erase(object("x", 3)));
    EXPECT_EQ(store.size(), 0U);
    EXPECT_EQ(store.changes(), 3U);
    EXPECT_FALSE(store.apply(api::Document(7)));
    EXPECT_FALSE(store.erase(api::Document(7)));
}

TEST(Store, ListReplacesEverythingAndVanishedObjectsAreDeleted) {
    Store store;
    store.replace({object("x", 1), object("y", 2)}, 5);
    store.replace({object("y", 2), object("z", 7)}, 8);
    EXPECT_FALSE(store.find("a/x"));
    EXPECT_TRUE(store.find("a/y"));
    EXPECT_TRUE(store.find("a/z"));
    EXPECT_EQ(store.changes(), 4U);  // x, y, then x gone and z
    EXPECT_EQ(store.all().size(), 2U);
}

TEST(Store, OwnWriteIsSeenUntilTheWatchHasPassedIt) {
    Store store;
    store.replace({object("x", 1, "old")}, 5);
    store.put(object("x", 9, "mine"));
    store.put(object("new", 10, "mine"));
    EXPECT_EQ(value_of(store, "a/x"), "mine");
    store.apply(object("x", 7, "late"));  // what was before our write
    EXPECT_EQ(value_of(store, "a/x"), "mine");
    store.erase(object("new", 8));  // the object of that name before
    EXPECT_EQ(value_of(store, "a/new"), "mine");
    store.replace({object("x", 7, "late")}, 8);  // a list of before
    EXPECT_EQ(value_of(store, "a/x"), "mine");
    EXPECT_EQ(value_of(store, "a/new"), "mine");
    store.replace({object("x", 11, "other")}, 12);
    EXPECT_EQ(value_of(store, "a/x"), "other");
    EXPECT_EQ(value_of(store, "a/new"), "-");
}

TEST(Store, AnswerThatComesAfterTheWatchHasPassedItIsIgnored) {
    Store store;
    store.apply(object("x", 5, "mine"));
    store.erase(object("x", 6));
    store.put(object("x", 5, "mine"));  // its answer was slow
    EXPECT_EQ(value_of(store, "a/x"), "-");
    store.pass(20);
    store.put(object("y", 19));
    EXPECT_EQ(store.size(), 0U);
}

TEST(Store, RestoredServerWithLowerVersionsIsBelieved) {
    Store store;
    store.replace({object("x", 100), object("y", 101)}, 200);
    store.replace({object("x", 10, "old")}, 20);
    EXPECT_EQ(store.size(), 1U);
    EXPECT_EQ(value_of(store, "a/x"), "old");
    store.put(object("x", 21, "mine"));
    EXPECT_EQ(value_of(store, "a/x"), "mine");
}

TEST(Store, VisitsAllInOrder) {
    Store store;
    store.replace({object("y", 1), object("x", 2)}, 3);
    std::string keys;
    store.for_each([&](const std::string& key, const Snapshot&) { keys += key + " "; });
    EXPECT_EQ(keys, "a/x a/y ");
}

}  // namespace
}  // namespace penstock::runtime
