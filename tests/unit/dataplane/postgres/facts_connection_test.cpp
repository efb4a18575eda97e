#include "dataplane/postgres/facts_connection.hpp"

#include "tests/support/throwaway_postgres.hpp"

#include <gmock/gmock.h>
#include <sys/eventfd.h>

namespace penstock::postgres {
namespace {

using ::testing::HasSubstr;

class FactsConnectionTest : public ::testing::Test {
 protected:
    ~FactsConnectionTest() override { ::close(wake_); }

    Target target(std::uint16_t port, const std::string& user = "postgres") const {
        Target target;
        target.host = "127.0.0.1";
        target.port = port;
        target.database = "postgres";
        target.user = user;
        target.sslmode = "disable";
        target.application_name = "penstock-probe/x-1";
        return target;
    }

    int wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

TEST_F(FactsConnectionTest, CountsClientBackendsByTag) {
    const test::ThrowawayPostgres postgres("superuser_reserved_connections = 4");
    const test::Client first(postgres.conninfo() + " application_name='penstock/a-1 app'");
    const test::Client second(postgres.conninfo() + " application_name=penstock/a-1");
    const test::Client third(postgres.conninfo() + " application_name=penstock/b-2");
    const test::Client stranger(postgres.conninfo() + " application_name=psql");
    auto connection = FactsConnection::open(target(postgres.port()), wake_);
    ASSERT_TRUE(connection) << to_string(connection.error());

    const auto facts = connection->ask();

    ASSERT_TRUE(facts) << to_string(facts.error());
    const std::map<std::string, std::int32_t> seen{{"penstock/a-1", 2}, {"penstock/b-2", 1}};
    EXPECT_EQ(facts->seen, seen);
    EXPECT_EQ(facts->others, 2);  // the stranger and the probe itself
    EXPECT_EQ(facts->max_connections, 40);
    EXPECT_EQ(facts->superuser_reserved_connections, 4);
    EXPECT_GE(facts->server_version, 130000);
    EXPECT_FALSE(facts->in_recovery);
    EXPECT_FALSE(facts->system_identifier.empty());
}

TEST_F(FactsConnectionTest, ARoleThatSeesTooLittleIsToldTheGrant) {
    const test::ThrowawayPostgres postgres;
    auto admin = postgres.connect();
    ASSERT_TRUE(admin.ask("CREATE ROLE blind LOGIN").ok);
    auto connection = FactsConnection::open(target(postgres.port(), "blind"), wake_);
    ASSERT_TRUE(connection) << to_string(connection.error());

    const auto blind = connection->ask();
    ASSERT_FALSE(blind);
    EXPECT_THAT(blind.error().text, HasSubstr("GRANT pg_monitor TO \"blind\""));

    ASSERT_TRUE(admin.ask("GRANT pg_monitor TO blind").ok);
    EXPECT_TRUE(connection->ask());
}

TEST_F(FactsConnectionTest, AFaultNamesTheServer) {
    const std::uint16_t port = test::free_port();
    const auto connection = FactsConnection::open(target(port), wake_);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().path, "127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(connection.error().text, HasSubstr("refused"));
}

TEST_F(FactsConnectionTest, AServerThatDiesIsAFault) {
    auto postgres = std::make_unique<test::ThrowawayPostgres>();
    auto connection = FactsConnection::open(target(postgres->port()), wake_);
    ASSERT_TRUE(connection) << to_string(connection.error());
    ASSERT_TRUE(connection->ask());
    postgres.reset();
    EXPECT_FALSE(connection->ask());
}

// Nothing answers: a listener that never accepts.
TEST_F(FactsConnectionTest, AWakeEndsTheWait) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    eventfd_write(wake_, 1);

    const auto connection = FactsConnection::open(target(ntohs(address.sin_port)), wake_);

    ASSERT_FALSE(connection);
    EXPECT_THAT(connection.error().text, HasSubstr("given up"));
    ::close(listener);
}

}  // namespace
}  // namespace penstock::postgres
