// A workload as make_plan() makes it, of a pool that uses every kind of Secret.
#pragma once

#include "operator/domain/workload.hpp"

namespace penstock::test {

inline api::ConnectionPool sample_pool() {
    api::ConnectionPool pool;
    pool.metadata.name = "orders";
    pool.metadata.name_space = "shop";
    pool.metadata.uid = "pool-uid";
    pool.metadata.generation = 3;
    pool.spec.database.host = "db.example.com";
    pool.spec.database.tls = {api::TlsMode::VerifyFull, api::CaSecretRef{"database-ca", "ca.crt"}};
    pool.spec.database.monitor_secret_ref.name = "monitor";
    pool.spec.clients.users_secret_ref = api::UsersSecretRef{"users", "userlist.txt", {}};
    pool.spec.clients.tls = api::ClientTls{api::ClientTlsMode::Allow, {"server-tls"}};
    return pool;
}

inline domain::Workload sample_workload() {
    const api::ConnectionPool pool = sample_pool();
    domain::Workload workload;
    workload.pool = domain::key(pool.metadata);
    workload.owner_uid = pool.metadata.uid;
    workload.replicas = 2;
    workload.config = domain::config_of(pool, "/etc/penstock/secrets");
    workload.restart_hash = domain::restart_hash(workload.config);
    workload.starts_allowed = 2;
    return workload;
}

}  // namespace penstock::test
