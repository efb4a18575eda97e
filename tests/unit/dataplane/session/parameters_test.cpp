#include "dataplane/session/parameters.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

constexpr std::size_t encoding = 0;
constexpr std::size_t date_style = 1;
constexpr std::size_t search_path = 6;

TEST(TrackedIndex, NamesAreComparedWithoutCase) {
    EXPECT_EQ(tracked_index("datestyle"), date_style);
    EXPECT_EQ(tracked_index("DATESTYLE"), date_style);
    EXPECT_EQ(tracked_index("application_name"), application_name_index);
    EXPECT_EQ(tracked_index("work_mem"), std::nullopt);
    EXPECT_EQ(tracked_index(""), std::nullopt);
}

TEST(ValueTable, EqualTextsAreOneValueAndRoomIsUsedAgain) {
    ValueTable table;
    const ValueId utc = table.add("UTC");
    EXPECT_EQ(table.add("UTC"), utc);
    table.release(utc);
    EXPECT_EQ(table.text(utc), "UTC");
    table.release(utc);
    EXPECT_EQ(table.add("Europe/Berlin"), utc);
    table.release(no_value);
}

TEST(ParameterSet, SetAgainReleasesTheOldValue) {
    ValueTable table;
    ParameterSet set;
    set.set(table, date_style, "ISO");
    const ValueId iso = set.get(date_style);
    set.set(table, date_style, "ISO");
    EXPECT_EQ(set.get(date_style), iso);
    set.set(table, date_style, "German");
    EXPECT_EQ(table.text(set.get(date_style)), "German");
    set.clear(table);
    EXPECT_EQ(set, ParameterSet());
    EXPECT_NE(table.add("x"), no_value);
}

TEST(ParameterSet, CopyMissingKeepsOwnValues) {
    ValueTable table;
    ParameterSet own;
    ParameterSet other;
    own.set(table, date_style, "German");
    other.set(table, date_style, "ISO");
    other.set(table, encoding, "UTF8");
    own.copy_missing(table, other);
    EXPECT_EQ(table.text(own.get(date_style)), "German");
    EXPECT_EQ(own.get(encoding), other.get(encoding));
}

TEST(ReplaySql, SetsWhatDiffersAndIsKnownToBoth) {
    ValueTable table;
    ParameterSet have;
    ParameterSet want;
    have.set(table, encoding, "UTF8");
    have.set(table, date_style, "ISO, MDY");
    want.set(table, encoding, "UTF8");
    want.set(table, date_style, "German, DMY");
    want.set(table, 3, "postgres");  // the server never reported it
    have.set(table, 2, "UTC");       // the client has no value for it
    EXPECT_FALSE(fits(have, want));
    EXPECT_EQ(replay_sql(table, have, want), "SET DateStyle = 'German, DMY';");
    have.set(table, date_style, "German, DMY");
    EXPECT_TRUE(fits(have, want));
    EXPECT_EQ(replay_sql(table, have, want), "");
    EXPECT_TRUE(fits(want, want));
}

TEST(ReplaySql, ValuesAreQuoted) {
    struct Case {
        std::size_t index;
        std::string value;
        std::string sql;
    };
    const Case cases[]{
        {application_name_index, "it's", "SET application_name = 'it''s';"},
        {application_name_index, "", "SET application_name = '';"},
        {application_name_index,
         "a\\'; drop table t;--",
         "SET application_name =  E'a\\\\''; drop table t;--';"},
        // Reported as a list that is quoted already.
        {search_path, "\"$user\", public", "SET search_path = \"$user\", public;"},
        {search_path, "", "SET search_path = '';"},
    };
    for (const Case& c : cases) {
        ValueTable table;
        ParameterSet have;
        ParameterSet want;
        have.set(table, c.index, "other");
        want.set(table, c.index, c.value);
        EXPECT_EQ(replay_sql(table, have, want), c.sql);
    }
}

TEST(TaggedApplicationName, IsTheTagThenTheClientsName) {
    EXPECT_EQ(tagged_application_name("penstock/1", ""), "penstock/1");
    EXPECT_EQ(tagged_application_name("penstock/1", "psql"), "penstock/1 psql");
    EXPECT_EQ(tagged_application_name("penstock/1", std::string(80, 'x')).size(), 63U);
}

TEST(Parameters, OwnNameIsWhatStandsBehindTheTag) {
    EXPECT_EQ(own_application_name("penstock:a", "penstock:a psql"), "psql");
    EXPECT_EQ(own_application_name("penstock:a", "penstock:a"), "");
    EXPECT_EQ(own_application_name("penstock:a", "psql"), "psql");
}

}  // namespace
}  // namespace penstock::session
