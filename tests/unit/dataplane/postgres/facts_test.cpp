#include "dataplane/postgres/facts.hpp"

#include "tests/support/await.hpp"
#include "tests/support/throwaway_postgres.hpp"

namespace penstock::postgres {
namespace {

Target target(std::uint16_t port) {
    Target target;
    target.host = "127.0.0.1";
    target.port = port;
    target.database = "postgres";
    target.user = "postgres";
    target.sslmode = "disable";
    return target;
}

TEST(Facts, NobodyIsAskedWithoutATarget) {
    const Facts facts;
    EXPECT_FALSE(facts.latest().facts);
    EXPECT_EQ(facts.latest().error, "");
}

TEST(Facts, KeepsTheLastAnswerAndSaysWhyThereIsNoNewerOne) {
    auto postgres = std::make_unique<test::ThrowawayPostgres>();
    Facts facts;
    facts.ask(target(postgres->port()));
    ASSERT_TRUE(test::await([&] { return facts.latest().facts.has_value(); }));
    EXPECT_EQ(facts.latest().error, "");

    postgres.reset();
    ASSERT_TRUE(test::await([&] { return !facts.latest().error.empty(); }));
    EXPECT_TRUE(facts.latest().facts);
    EXPECT_GE(facts.latest().facts->age_ms, 0);
}

TEST(Facts, AnotherTargetDropsWhatWasSaidOfTheFirst) {
    const test::ThrowawayPostgres postgres;
    Facts facts;
    facts.ask(target(test::free_port()));
    ASSERT_TRUE(test::await([&] { return !facts.latest().error.empty(); }));
    facts.ask(target(postgres.port()));
    ASSERT_TRUE(test::await([&] { return facts.latest().facts.has_value(); }));
    EXPECT_EQ(facts.latest().error, "");
    facts.ask(std::nullopt);
    EXPECT_FALSE(facts.latest().facts);
}

}  // namespace
}  // namespace penstock::postgres
