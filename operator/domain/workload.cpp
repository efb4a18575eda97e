#include "operator/domain/workload.hpp"

#include "crds/api/encode.hpp"
#include "operator/domain/account.hpp"

#include <array>
#include <cstdint>

namespace penstock::domain {

namespace {

// Appends "path=value" for each field of class Restart that is set.
template <api::Described S>
void append_restart_fields(const S& value, const std::string& path, std::string& text) {
    api::for_each_field<S>([&](const auto& field) {
        using Member = typename std::decay_t<decltype(field)>::Type;
        const Member& member = value.*field.member;
        const bool counts = field.change == api::Change::Restart;
        const std::string here = path + "." + std::string{field.key};
        if constexpr (api::Described<Member>) {
            append_restart_fields(member, here, text);
        } else if constexpr (api::OptionalField<Member>) {
            if (!member) return;
            if constexpr (api::Described<typename Member::value_type>) {
                if (counts) text += here + "\n";
                append_restart_fields(*member, here, text);
            } else if (counts) {
                text += here + "=" + api::encode(*member).dump() + "\n";
            }
        } else if (counts) {
            text += here + "=" + api::encode(member).dump() + "\n";
        }
    });
}

std::uint64_t fnv_1a(const std::string& text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return hash;
}

}  // namespace

api::DataplaneConfig config_of(const api::ConnectionPool& pool, const std::string& secrets_root) {
    const api::ConnectionPoolSpec& spec = pool.spec;
    const auto file = [&](const std::string& secret, const std::string& key) {
        return secrets_root + "/" + pool.metadata.name_space + "/" + secret + "/" + key;
    };
    api::DataplaneConfig config;
    config.pool = key(pool.metadata);
    config.pool_uid = pool.metadata.uid;
    config.generation = pool.metadata.generation;
    config.listen.port = spec.listen.port;
    config.server_connections = proxy_floor;
    config.database.host = spec.database.host;
    config.database.port = spec.database.port;
    config.database.tls.mode = spec.database.tls.mode;
    if (const auto& ca = spec.database.tls.ca_secret_ref)
        config.database.tls.ca_file = file(ca->name, ca->key);
    api::Monitor monitor;
    monitor.user_file = file(spec.database.monitor_secret_ref.name, "username");
    monitor.password_file = file(spec.database.monitor_secret_ref.name, "password");
    monitor.database = spec.database.monitor_database;
    config.database.monitor = monitor;
    config.clients.authentication = spec.clients.authentication;
    if (const auto& users = spec.clients.users_secret_ref) {
        config.clients.users_file = file(users->name, users->key);
        if (users->mock_secret_key)
            config.clients.mock_secret_file = file(users->name, *users->mock_secret_key);
    }
    if (const auto& tls = spec.clients.tls)
        config.clients.tls = api::ProxyClientTls{
            tls->mode,
            file(tls->secret_ref.name, "tls.crt"),
            file(tls->secret_ref.name, "tls.key")};
    config.pool_mode = spec.pool_mode;
    config.workers = spec.workers;
    config.limits = spec.limits;
    config.timeouts = spec.timeouts;
    config.drain = spec.drain;
    return config;
}

std::string restart_hash(const api::DataplaneConfig& config) {
    std::string text;
    append_restart_fields(config, "", text);
    std::uint64_t hash = fnv_1a(text);
    std::string digits(16, '0');
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, hash >>= 4)
        *digit = "0123456789abcdef"[hash & 15];
    return digits;
}

}  // namespace penstock::domain
