#include "dataplane/wire/userlist.hpp"

#include "dataplane/wire/md5.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

const std::string verifier_text = to_string(scram_verifier(scram_keys("secret", "salt", 4096)));

// The faults of `text`, one a line.
std::string faults(std::string_view text) {
    const auto table = parse_userlist(text);
    std::string all;
    if (table) return all;
    for (const api::Error& error : table.error()) all += to_string(error) + "\n";
    return all;
}

TEST(Userlist, ReadsEveryKindOfSecret) {
    const auto table = parse_userlist(
        "\"plain\" \"secret\"\n"
        "\"hashed\" \"" +
        md5_secret("secret", "hashed") +
        "\"\n"
        "\"scram\" \"" +
        verifier_text +
        "\"\n"
        "\"none\" \"\"\n"
    );
    ASSERT_TRUE(table);
    EXPECT_EQ(table->size(), 4U);
    EXPECT_EQ(table->find("plain")->kind, SecretKind::Plain);
    EXPECT_EQ(table->find("plain")->text, "secret");
    EXPECT_EQ(table->find("hashed")->kind, SecretKind::Md5);
    EXPECT_EQ(table->find("scram")->kind, SecretKind::ScramVerifier);
    EXPECT_EQ(table->find("scram")->verifier, scram_verifier(scram_keys("secret", "salt", 4096)));
    EXPECT_EQ(table->find("none")->kind, SecretKind::Empty);
    EXPECT_EQ(table->find("missing"), nullptr);
    EXPECT_EQ(table->find(""), nullptr);
    EXPECT_TRUE(table->has_scram_verifiers());
}

TEST(Userlist, ReadsQuotesCommentsSpacesAndLineEnds) {
    const auto table = parse_userlist(
        "; a comment\n"
        "# another\r\n"
        "\n"
        "  \t \n"
        "\"say \"\"hi\"\"\" \"a\"\"b\"\r\n"
        "\t\"two\"\t\"x\"   ; the second\n"
        "\"three\"\"\" \"\"\"\"\n"
        "\"four\"\"pw\"\n"
        "\"five;#\" \"\xc3\xa4 pw\" # last, without line end"
    );
    // A doubled quote inside "four""pw" makes it one text, as PgBouncer has it.
    ASSERT_FALSE(table);
    ASSERT_EQ(table.error().size(), 1U);
    EXPECT_EQ(table.error()[0].path, "line 8");

    const auto without = parse_userlist(
        "\"say \"\"hi\"\"\" \"a\"\"b\"\r\n\t\"two\"\t\"x\"   ; the second\n\"three\"\"\" \"\"\"\"\n"
        "\"five;#\" \"\xc3\xa4 pw\" # last"
    );
    ASSERT_TRUE(without);
    EXPECT_EQ(without->find("say \"hi\"")->text, "a\"b");
    EXPECT_EQ(without->find("two")->text, "x");
    EXPECT_EQ(without->find("three\"")->text, "\"");
    EXPECT_EQ(without->find("five;#")->text, "\xc3\xa4 pw");
    EXPECT_FALSE(without->has_scram_verifiers());
}

TEST(Userlist, NamesEveryFaultWithItsLine) {
    EXPECT_EQ(
        faults("\"good\" \"x\"\nbad \"x\"\n\"open\n\"alone\"\n\"a\" b\n\"a\" \"b\" more\n\"\" "
               "\"x\"\n\"good\" \"y\"\n"),
        "line 2: the user name must stand in double quotes\n"
        "line 3: the closing quote of the user name is missing; a quote inside it is written "
        "twice\n"
        "line 4: the secret is missing: write \"user\" \"secret\"\n"
        "line 5: the secret must stand in double quotes\n"
        "line 7: the user name is empty: PostgreSQL has no such user\n"
        "line 8: user \"good\" stands in line 1 already: remove one of the two\n"
    );
}

TEST(Userlist, PassesOverWhatPgbouncerPassesOver) {
    const auto table = parse_userlist(
        "\xef\xbb\xbf\"a\" \"x\" \"more\" and more\r\n\"b\" \"y\"; a comment\n\"c\" \"z\" ;\n\"d\" "
        "\"\"e\n"
    );
    ASSERT_TRUE(table) << table.error().front().text;
    EXPECT_EQ(table->size(), 4U);
    EXPECT_EQ(table->find("a")->text, "x");
    EXPECT_EQ(table->find("b")->text, "y");
    EXPECT_EQ(table->find("c")->text, "z");
    EXPECT_EQ(table->find("d")->kind, SecretKind::Empty);
}

TEST(Userlist, UsualIterationsAreThoseOfMostVerifiers) {
    const auto verifier = [](int iterations) {
        return to_string(
            scram_verifier({iterations, "salt", std::string(32, 'c'), std::string(32, 's')})
        );
    };
    EXPECT_EQ(parse_userlist("\"a\" \"x\"\n")->usual_iterations(), 4096);
    const std::string two =
        "\"a\" \"" + verifier(9'000) + "\"\n\"b\" \"" + verifier(9'000) + "\"\n";
    EXPECT_EQ(parse_userlist(two)->usual_iterations(), 9'000);
    EXPECT_EQ(
        parse_userlist(two + "\"c\" \"" + verifier(4'096) + "\"\n")->usual_iterations(), 9'000
    );
}

TEST(Userlist, CutsNamesAsPostgresqlDoes) {
    const std::string name(63, 'n');
    const auto table = parse_userlist('"' + name + "and more\" \"x\"\n");
    ASSERT_TRUE(table);
    EXPECT_NE(table->find(name), nullptr);
    EXPECT_FALSE(parse_userlist('"' + name + "1\" \"x\"\n\"" + name + "2\" \"x\"\n"));
}

TEST(Userlist, NamesFaultsOfSecretsWithoutShowingThem) {
    const std::string text = faults("\"a\" \"SCRAM-SHA-256$4096:hidden\"\n");
    EXPECT_NE(text.find("line 1: the secret begins as a SCRAM verifier"), std::string::npos)
        << text;
    EXPECT_EQ(text.find("hidden"), std::string::npos) << text;
}

TEST(Userlist, RefusesZeroBytesAndTextsWithoutUsers) {
    EXPECT_NE(
        faults(std::string_view{"\"a\" \"b\0c\"\n", 10}).find("line 1: holds a zero byte"),
        std::string::npos
    );
    EXPECT_NE(faults("").find("no user"), std::string::npos);
    EXPECT_NE(faults("; nothing\n").find("no user"), std::string::npos);
}

TEST(Userlist, PlainPasswordsGetVerifiersThatAreKeptWhileTheyAreTheSame) {
    auto table = parse_userlist(
        "\"plain\" \"secret\"\n\"none\" \"\"\n\"scram\" \"" + verifier_text + "\"\n"
    );
    ASSERT_TRUE(table);
    EXPECT_EQ(table->find("plain")->derived, nullptr);
    table->prepare_verifiers("process", 100);
    const auto derived = table->find("plain")->derived;
    ASSERT_NE(derived, nullptr);
    EXPECT_EQ(
        derived->derive(), scram_verifier(scram_keys("secret", scram_salt("process", "plain"), 100))
    );
    EXPECT_EQ(table->find("none")->derived, nullptr);
    for (const bool is_same : {true, false}) {
        auto next = parse_userlist(is_same ? "\"plain\" \"secret\"" : "\"plain\" \"other\"");
        next->prepare_verifiers("process", 100, &*table);
        EXPECT_EQ(next->find("plain")->derived == derived, is_same);
    }
    EXPECT_EQ(to_string(*table->find("scram")->verifier), verifier_text);
}

TEST(Userlist, AddsAUserOnce) {
    UserTable table;
    EXPECT_TRUE(table.is_empty());
    EXPECT_TRUE(table.add("a", read_secret("one").value()));
    EXPECT_FALSE(table.add("a", read_secret(verifier_text).value()));
    EXPECT_EQ(table.find("a")->text, "one");
    EXPECT_FALSE(table.has_scram_verifiers());
    EXPECT_EQ(table.begin()->first, "a");
    EXPECT_EQ(std::distance(table.begin(), table.end()), 1);
}

}  // namespace
}  // namespace penstock::wire
