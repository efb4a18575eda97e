#include "dataplane/net/config_source.hpp"

#include "crds/api/check.hpp"
#include "crds/api/decode.hpp"
#include "crds/api/diff.hpp"
#include "crds/api/grant.hpp"
#include "crds/yaml/yaml.hpp"
#include "dataplane/net/grants_tls.hpp"
#include "dataplane/net/unique_fd.hpp"
#include "dataplane/wire/digest.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

namespace penstock::net {
namespace {

// 64 MiB: a list of half a million users is still read, a wrong path to something huge is not.
constexpr std::size_t file_bytes_max = std::size_t{64} << 20U;

// Of a Pod in the name of its proxy.
constexpr std::size_t name_bytes_max = 40;

// Until Endpoints and load balancers know that a Pod is on its way out.
constexpr std::int32_t accept_seconds_in_pod = 3;

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    CHECK(::getrandom(bytes.data(), count, 0) == static_cast<ssize_t>(count));
    return bytes;
}

std::string trimmed(std::string text) {
    const char* const blanks = " \t\r\n";
    text.erase(text.find_last_not_of(blanks) + 1);
    text.erase(0, text.find_first_not_of(blanks));
    return text;
}

// One reading in progress: collects what was read and what was wrong.
class Reader {
 public:
    explicit Reader(Reading& reading) : reading_(reading) {}

    // Nothing, and a fault at `field`, if it cannot be read.
    std::optional<std::string> file(const std::string& path, const std::string& field) {
        reading_.files.insert(path);
        const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat status {};
        if (!fd.is_set() || ::fstat(fd.get(), &status) != 0) return unreadable(path, field, errno);
        if (S_ISDIR(status.st_mode)) return unreadable(path, field, EISDIR);
        std::string text;
        std::array<char, 65'536> chunk;
        for (;;) {
            const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
            if (got < 0) return unreadable(path, field, errno);
            if (got == 0) break;
            text.append(chunk.data(), static_cast<std::size_t>(got));
            if (text.size() > file_bytes_max) return unreadable(path, field, EFBIG);
        }
        reading_.contents.append(path).append(1, '\0').append(text).append(1, '\0');
        return text;
    }
    void fault(const std::string& path, const std::string& text) {
        reading_.faults.push_back({path, text});
    }
    void faults(const std::vector<api::Error>& errors) {
        reading_.faults.insert(reading_.faults.end(), errors.begin(), errors.end());
    }

 private:
    std::nullopt_t unreadable(const std::string& path, const std::string& field, int error) {
        fault(
            field,
            "cannot read \"" + path + "\": " + std::strerror(error) +
                (error == ENOENT ? "; create it, or the Secret that is mounted there" : "")
        );
        return std::nullopt;
    }
    Reading& reading_;
};

// What unknown users are shown must be the same at each proxy of the pool and after each start, or
// it tells them from users with stored verifiers. It must not be worked out from passwords: who is
// shown it could try passwords at home.
std::string read_mock_secret(
    const api::DataplaneConfig& document, const Identity& identity, Reader& reader
) {
    constexpr std::size_t secret_bytes_min = 16;
    const auto of_pool = [&document](const std::string& secret) {
        return wire::hmac_sha_256(secret, "mock secret of " + document.pool);
    };
    if (const auto& path = document.clients.mock_secret_file) {
        const auto text = reader.file(*path, "clients.mockSecretFile");
        if (!text) return {};
        const std::string secret = trimmed(*text);
        if (secret.size() < secret_bytes_min) {
            reader.fault(
                "clients.mockSecretFile",
                "\"" + *path + "\" has fewer than 16 bytes in it: write random ones there"
            );
        }
        return of_pool(secret);
    }
    if (const auto& tls = document.clients.tls; tls && tls->mode != api::ClientTlsMode::Disable) {
        if (const auto key = reader.file(tls->key_file, "clients.tls.keyFile"))
            return of_pool(*key);
    }
    if (!document.pool_uid.empty()) return of_pool(document.pool_uid);
    return identity.mock_secret;
}

wire::UserTable read_users(
    const api::DataplaneConfig& document,
    const Identity& identity,
    const Configuration* before,
    Reader& reader
) {
    if (!document.clients.users_file) return {};
    const std::string& path = *document.clients.users_file;
    const auto text = reader.file(path, "clients.usersFile");
    if (!text) return {};
    auto users = wire::parse_userlist(*text);
    if (!users) {
        for (const api::Error& error : users.error()) {
            reader.fault(path + (error.path.empty() ? "" : ", " + error.path), error.text);
        }
        return {};
    }
    if (document.clients.authentication != api::Authentication::Trust) {
        users->prepare_verifiers(
            identity.mock_secret,
            users->usual_iterations(),
            before == nullptr ? nullptr : &before->settings->users
        );
    }
    return std::move(*users);
}

// OpenSSL reads the files itself; they are read here for `contents` and for plain faults.
void read_tls(const api::DataplaneConfig& document, Configuration& made, Reader& reader) {
    if (const auto& tls = document.clients.tls; tls && tls->mode != api::ClientTlsMode::Disable) {
        const bool has_cert = reader.file(tls->cert_file, "clients.tls.certFile").has_value();
        const bool has_key = reader.file(tls->key_file, "clients.tls.keyFile").has_value();
        if (has_cert && has_key) {
            auto context = ClientSideTls::make(tls->cert_file, tls->key_file);
            if (context) {
                made.client_tls = std::move(*context);
            } else {
                reader.fault("clients.tls", to_string(context.error()));
            }
        }
    }
    const api::ProxyDatabase& database = document.database;
    if (database.tls.mode == api::TlsMode::Disable) return;
    const std::string ca_file = database.tls.ca_file.value_or("");
    if (!ca_file.empty() && !reader.file(ca_file, "database.tls.caFile")) return;
    auto context = ServerSideTls::make(database.tls.mode, ca_file, database.host);
    if (context) {
        made.server_tls = std::move(*context);
    } else {
        reader.fault("database.tls", to_string(context.error()));
    }
}

// libpq's sslmode.
const char* ssl_mode(api::TlsMode mode) {
    switch (mode) {
        case api::TlsMode::Disable:
            return "disable";
        case api::TlsMode::Prefer:
            return "prefer";
        case api::TlsMode::Require:
            return "require";
        case api::TlsMode::VerifyCA:
            return "verify-ca";
        case api::TlsMode::VerifyFull:
            return "verify-full";
    }
    return "prefer";
}

void read_monitor(const api::DataplaneConfig& document, Configuration& made, Reader& reader) {
    const auto& monitor = document.database.monitor;
    if (!monitor) return;
    postgres::Target target;
    target.host = document.database.host;
    target.port = document.database.port;
    target.database = monitor->database;
    target.sslmode = ssl_mode(document.database.tls.mode);
    target.ca_file = document.database.tls.ca_file.value_or("");
    target.application_name = "penstock-probe/" + document.proxy_id;
    target.user = monitor->user.value_or("");
    if (monitor->user_file) {
        target.user =
            trimmed(reader.file(*monitor->user_file, "database.monitor.userFile").value_or(""));
    }
    if (monitor->password_file) {
        target.password = trimmed(
            reader.file(*monitor->password_file, "database.monitor.passwordFile").value_or("")
        );
    }
    made.monitor = std::move(target);
}

void read_token(const api::DataplaneConfig& document, Configuration& made, Reader& reader) {
    if (!document.admin.token_file) return;
    const auto text = reader.file(*document.admin.token_file, "admin.tokenFile");
    if (!text) return;
    made.admin_token = trimmed(*text);
    if (made.admin_token.empty()) {
        reader.fault(
            "admin.tokenFile", "\"" + *document.admin.token_file + "\" has no token in it"
        );
    }
}

void read_grants_access(
    const api::DataplaneConfig& document, GrantsAccess& access, Reader& reader
) {
    if (!document.admin.grants) return;
    const std::string& path = document.admin.grants->client_ca_file;
    const auto text = reader.file(path, "admin.grants.clientCaFile");
    if (!text) return;
    auto tls = make_grants_tls(*text);
    if (!tls)
        return reader.fault("admin.grants.clientCaFile", "\"" + path + "\" " + tls.error().text);
    access = {*text, std::move(*tls)};
}

session::ClientAuthentication client_authentication(api::Authentication authentication) {
    switch (authentication) {
        case api::Authentication::ScramSha256:
            return session::ClientAuthentication::ScramSha256;
        case api::Authentication::Md5:
            return session::ClientAuthentication::Md5;
        case api::Authentication::Trust:
            return session::ClientAuthentication::Trust;
    }
    return session::ClientAuthentication::ScramSha256;
}

session::ClientTls client_tls(const api::ProxyClients& clients) {
    if (!clients.tls) return session::ClientTls::Disable;
    switch (clients.tls->mode) {
        case api::ClientTlsMode::Disable:
            return session::ClientTls::Disable;
        case api::ClientTlsMode::Allow:
            return session::ClientTls::Allow;
        case api::ClientTlsMode::Require:
            return session::ClientTls::Require;
    }
    return session::ClientTls::Disable;
}

session::ServerTls server_tls(api::TlsMode mode) {
    switch (mode) {
        case api::TlsMode::Disable:
            return session::ServerTls::Disable;
        case api::TlsMode::Prefer:
            return session::ServerTls::Prefer;
        default:
            return session::ServerTls::Require;
    }
}

// Equal for databases that are reached in the same way.
std::uint64_t endpoint_of(const api::ProxyDatabase& database) {
    const std::string way = database.host + '\0' + std::to_string(database.port) + '\0' +
                            ssl_mode(database.tls.mode) + '\0' + database.tls.ca_file.value_or("");
    return std::hash<std::string>{}(way);
}

}  // namespace

Identity Identity::make(const char* pod_name) {
    std::array<char, 32> host{};
    ::gethostname(host.data(), host.size() - 1);
    const bool is_pod = pod_name != nullptr && *pod_name != '\0';
    std::string id = is_pod ? pod_name : host.data();
    // Pods of one pool differ at the end of their names.
    if (id.size() > name_bytes_max) id.erase(0, id.size() - name_bytes_max);
    id += '-';
    const char* const digits = "0123456789abcdef";
    for (const char byte : random_bytes(is_pod ? 2 : 4)) {
        id += digits[(static_cast<unsigned char>(byte) >> 4U) & 15U];
        id += digits[static_cast<unsigned char>(byte) & 15U];
    }
    return {id, random_bytes(32), is_pod};
}

proxy::Settings settings_from(
    const api::DataplaneConfig& document, const Identity& identity, wire::UserTable users
) {
    const auto seconds = [](std::int32_t count) { return std::chrono::seconds(count); };
    proxy::Settings settings;
    settings.pool_mode = document.pool_mode == api::PoolMode::Session
                             ? proxy::PoolMode::Session
                             : proxy::PoolMode::Transaction;
    settings.login.authentication = client_authentication(document.clients.authentication);
    settings.login.tls = client_tls(document.clients);
    settings.login.mock_secret = identity.mock_secret;
    settings.login.scram_iterations = users.usual_iterations();
    settings.server_tls = server_tls(document.database.tls.mode);
    settings.users = std::move(users);
    settings.application_tag = api::proxy_tag(document.proxy_id);
    settings.database_address =
        document.database.host + ":" + std::to_string(document.database.port);
    settings.endpoint = endpoint_of(document.database);
    settings.clients_max = document.limits.max_client_connections;
    settings.server_limits.per_user = document.limits.max_user_connections;
    settings.server_limits.per_database = document.limits.max_database_connections;
    settings.logins_in_flight_max = document.limits.logins_in_flight;
    settings.prepared_statements_max = document.limits.max_prepared_statements;
    settings.message_bytes_max = static_cast<std::size_t>(document.limits.max_message_bytes);
    settings.client_bytes_max = static_cast<std::size_t>(document.limits.max_client_bytes);
    settings.bytes_max = document.limits.max_memory_bytes;
    settings.client_login_timeout = seconds(document.timeouts.client_login_seconds);
    settings.queue_wait_timeout = seconds(document.timeouts.query_wait_seconds);
    settings.query_timeout = seconds(document.timeouts.query_seconds);
    settings.transaction_timeout = seconds(document.timeouts.transaction_seconds);
    settings.idle_in_transaction_timeout = seconds(document.timeouts.idle_in_transaction_seconds);
    settings.client_idle_timeout = seconds(document.timeouts.client_idle_seconds);
    settings.server_idle_timeout = seconds(document.timeouts.server_idle_seconds);
    settings.server_lifetime = seconds(document.timeouts.server_lifetime_seconds);
    settings.server_connect_timeout = seconds(document.timeouts.server_connect_seconds);
    settings.server_login_retry = seconds(document.timeouts.server_login_retry_seconds);
    settings.server_check_delay = seconds(document.timeouts.server_check_delay_seconds);
    settings.cancel_wait_timeout = seconds(document.timeouts.cancel_wait_seconds);
    settings.drain_timeout = seconds(document.drain.timeout_seconds);
    return settings;
}

std::vector<api::Error> needing_restart(
    const api::DataplaneConfig& started, const api::DataplaneConfig& now
) {
    std::vector<api::Error> faults;
    for (const api::Difference& each : api::diff(started, now)) {
        if (each.change < api::Change::Restart) continue;
        faults.push_back({each.path, "changed; the proxy must be restarted for it"});
    }
    return faults;
}

Reading read_configuration(
    const std::string& path, const Identity& identity, const Configuration* before
) {
    Reading reading;
    Reader reader(reading);
    const auto text = reader.file(path, "");
    if (!text) return reading;
    const auto parsed = yaml::read_one(*text, path);
    if (!parsed) {
        reader.fault(parsed.error().path, parsed.error().text);
        return reading;
    }
    // A key that this version does not know may be a newer operator's.
    auto decoded = api::decode_leniently<api::DataplaneConfig>(*parsed, api::UnknownKeys::Warn);
    reader.faults(decoded.errors);
    reading.warnings = std::move(decoded.warnings);

    Configuration made;
    api::DataplaneConfig& document = decoded.value;
    if (document.proxy_id.empty()) document.proxy_id = identity.proxy_id;
    if (!document.drain.accept_seconds) {
        document.drain.accept_seconds = identity.is_pod ? accept_seconds_in_pod : 0;
    }
    if (reading.faults.empty()) reading.document = document;
    const Identity shown{
        identity.proxy_id, read_mock_secret(document, identity, reader), identity.is_pod};
    wire::UserTable users = read_users(document, shown, before, reader);
    read_tls(document, made, reader);
    read_monitor(document, made, reader);
    read_token(document, made, reader);
    read_grants_access(document, reading.grants, reader);
    if (!reading.faults.empty()) return reading;
    made.settings =
        std::make_shared<const proxy::Settings>(settings_from(document, shown, std::move(users)));
    made.document = std::move(document);
    reading.configuration = std::make_shared<const Configuration>(std::move(made));
    return reading;
}

}  // namespace penstock::net
