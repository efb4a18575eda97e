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

TEST(FittingSql, SetsWhatWasAskedForAndResetsWhatWasNot) {
    ValueTable table;
    ServerParameters server;
    ClientParameters client;
    server.values.set(table, encoding, "LATIN1");
    server.values.set(table, date_style, "ISO, MDY");
    server.values.set(table, 2, "UTC");
    server.set.set(encoding);
    client.told.set(table, encoding, "UTF8");  // follows the server
    client.told.set(table, date_style, "German, DMY");
    client.told.set(table, 2, "Europe/Paris");  // follows the server, where it was not set
    client.told.set(table, 3, "postgres");      // the server never reported it
    client.asked.set(date_style);
    client.asked.set(3);
    EXPECT_FALSE(fits(server, client));
    ParameterMask behind;
    EXPECT_EQ(
        fitting_sql(table, server, client, behind),
        "RESET client_encoding;SET DateStyle = 'German, DMY';"
    );
    ParameterMask expected;
    expected.set(date_style);
    EXPECT_EQ(behind, expected);
    server.values = client.told;
    EXPECT_FALSE(fits(server, client)) << "the encoding is another's";
    server.set = behind;
    EXPECT_TRUE(fits(server, client));
    EXPECT_EQ(fitting_sql(table, server, client, behind), "");
}

TEST(FittingSql, ValuesAreQuoted) {
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
        ServerParameters server;
        ClientParameters client;
        server.values.set(table, c.index, "other");
        client.told.set(table, c.index, c.value);
        client.asked.set(c.index);
        ParameterMask behind;
        EXPECT_EQ(fitting_sql(table, server, client, behind), c.sql);
    }
}

TEST(StartupSql, IsJudgedOnTheSessionsDefault) {
    std::string sql;
    append_startup_sql(sql, date_style, "ISO");
    EXPECT_EQ(sql, "RESET DateStyle;SET DateStyle = 'ISO';");
    ParameterMask set;
    set.set(date_style);
    EXPECT_EQ(resetting_sql(set), "RESET DateStyle;");
}

TEST(CleanApplicationName, IsAsPostgresqlKeepsIt) {
    EXPECT_EQ(clean_application_name("psql ~", true, false), "psql ~");
    EXPECT_EQ(clean_application_name("\xc3\xa9\t", true, false), "???");
    EXPECT_EQ(clean_application_name("\xc3\xa9", true, true), "\\xc3\\xa9");
    EXPECT_EQ(clean_application_name(std::string(80, 'x'), true, true).size(), 63U);
    EXPECT_EQ(clean_application_name(std::string(62, 'x') + "\xc3\xa9", true, false).size(), 62U);
    EXPECT_EQ(clean_application_name(std::string(62, 'x') + "\xc3\xa9", false, false).size(), 63U);
    EXPECT_EQ(clean_application_name("\xff", true, false), "?");
}

TEST(TaggedApplicationName, IsTheTagThenTheClientsName) {
    EXPECT_EQ(tagged_application_name("penstock/1", ""), "penstock/1");
    EXPECT_EQ(tagged_application_name("penstock/1", "psql"), "penstock/1 psql");
    EXPECT_EQ(tagged_application_name("penstock/1", std::string(80, 'x')).size(), 63U);
}

}  // namespace
}  // namespace penstock::session
