#include "operator/domain/workload.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

TEST(Workload, ConfigNamesSecretsByFile) {
    api::ConnectionPool pool = test::pool("main");
    pool.spec.clients.users_secret_ref = api::UsersSecretRef{"users", "userlist.txt", {}};
    pool.spec.clients.tls = api::ClientTls{api::ClientTlsMode::Require, {"cert"}};
    const api::DataplaneConfig config = config_of(pool, "/secrets");
    EXPECT_EQ(config.pool, "default/main");
    EXPECT_EQ(config.pool_uid, pool.metadata.uid);
    EXPECT_NE(config.pool_uid, "");
    EXPECT_EQ(config.generation, 1);
    EXPECT_EQ(config.server_connections, 1);
    EXPECT_EQ(config.database.monitor->user_file, "/secrets/default/monitor/username");
    EXPECT_EQ(config.database.monitor->password_file, "/secrets/default/monitor/password");
    EXPECT_EQ(config.clients.users_file, "/secrets/default/users/userlist.txt");
    EXPECT_EQ(config.clients.tls->cert_file, "/secrets/default/cert/tls.crt");
    EXPECT_EQ(config.clients.tls->mode, api::ClientTlsMode::Require);
}

TEST(Workload, OnlyFieldsOfClassRestartNeedNewProcesses) {
    const api::ConnectionPool before = test::pool("main");
    const std::string hash = restart_hash(config_of(before, "/s"));
    EXPECT_EQ(hash.size(), 16U);
    api::ConnectionPool live = before;
    live.metadata.generation = 2;
    live.spec.limits.max_client_connections = 7;
    live.spec.pool_mode = api::PoolMode::Session;
    live.spec.replicas = 9;
    EXPECT_EQ(restart_hash(config_of(live, "/s")), hash);
    api::ConnectionPool port = before;
    port.spec.listen.port = 7000;
    EXPECT_NE(restart_hash(config_of(port, "/s")), hash);
    api::ConnectionPool workers = before;
    workers.spec.workers = 3;
    EXPECT_NE(restart_hash(config_of(workers, "/s")), hash);
}

}  // namespace
}  // namespace penstock::domain
