#include "operator/host/proxy_folder.hpp"

#include "crds/api/check.hpp"
#include "crds/api/encode.hpp"
#include "operator/host/files.hpp"

#include <charconv>

#include <sys/random.h>

namespace penstock::host {

namespace {

namespace fs = std::filesystem;

api::Document to_document(const ProxyRecord& record) {
    return {
        {"id", record.id},
        {"pool", record.pool},
        {"restartHash", record.restart_hash},
        {"pid", record.process.pid},
        {"startTicks", record.process.start_ticks},
        {"draining", record.draining}};
}

std::optional<ProxyRecord> to_record(const api::Document& document) {
    const auto has = [&](const char* key, auto is_kind) {
        return document.is_object() && document.contains(key) && (document[key].*is_kind)();
    };
    using Document = api::Document;
    for (const char* key : {"id", "pool", "restartHash"}) {
        if (!has(key, &Document::is_string)) return std::nullopt;
    }
    if (!has("pid", &Document::is_number_integer) ||
        !has("startTicks", &Document::is_number_integer) || !has("draining", &Document::is_boolean))
        return std::nullopt;
    return ProxyRecord{
        document["id"],
        document["pool"],
        document["restartHash"],
        {document["pid"], document["startTicks"]},
        document["draining"]};
}

// A living process that was started with `--config FILE`.
std::optional<ProcessIdentity> find_by_config(const fs::path& file) {
    using namespace std::string_literals;
    const std::string wanted = "\0--config\0"s + file.string() + '\0';
    std::error_code error;
    for (auto at = fs::directory_iterator("/proc", error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        pid_t pid = 0;
        const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (fault != std::errc() || end != name.data() + name.size()) continue;
        const auto command = read_file(at->path() / "cmdline");
        if (command && command->find(wanted) != std::string::npos) return identify(pid);
    }
    return std::nullopt;
}

}  // namespace

ProxyFolder::ProxyFolder(const fs::path& proxies, const std::string& id) : path_(proxies / id) {}

api::Result<void> ProxyFolder::create() {
    if (const auto made = make_folder(path_, FileMode::Private); !made) return made;
    return replace_file(path_ / "token", random_hex(32) + "\n", FileMode::Private);
}

api::Result<std::string> ProxyFolder::read_token() const {
    return read_file(path_ / "token").map([](std::string text) {
        text.erase(text.find_last_not_of('\n') + 1);
        return text;
    });
}

api::DataplaneConfig ProxyFolder::complete(api::DataplaneConfig config, const std::string& id)
    const {
    config.proxy_id = id;
    config.admin.address = "127.0.0.1";
    config.admin.port = 0;
    config.admin.port_file = (path_ / "admin.port").string();
    config.admin.token_file = (path_ / "token").string();
    return config;
}

api::Result<bool> ProxyFolder::write_config(const api::DataplaneConfig& config) {
    const std::string text = api::encode(config).dump(2) + "\n";
    const auto present = read_file(config_file());
    if (present && *present == text) return false;
    return replace_file(config_file(), text, FileMode::Private).map([] { return true; });
}

api::Result<void> ProxyFolder::save(const ProxyRecord& record) {
    return replace_file(
        path_ / "record.json", to_document(record).dump(2) + "\n", FileMode::Private
    );
}

std::optional<std::uint16_t> ProxyFolder::admin_port() const {
    const auto text = read_file(path_ / "admin.port");
    std::uint16_t port = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), port);
    return port == 0 ? std::nullopt : std::optional(port);
}

std::vector<ProxyRecord> load_proxies(const fs::path& proxies) {
    std::vector<ProxyRecord> records;
    std::error_code error;
    for (auto at = fs::directory_iterator(proxies, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        const auto text = read_file(at->path() / "record.json");
        const auto document = text ? api::parse_json(*text) : tl::unexpected(text.error());
        auto record = document ? to_record(*document) : std::nullopt;
        if (!record) continue;
        if (record->process.pid == 0) {
            const ProxyFolder folder(proxies, record->id);
            record->process = find_by_config(folder.config_file()).value_or(ProcessIdentity{});
        } else if (identify(record->process.pid) != record->process) {
            record->process = {};
        }
        records.push_back(*std::move(record));
    }
    return records;
}

std::string new_proxy_id(const std::string& pool) {
    constexpr std::size_t name_max = 36;
    return pool.substr(pool.find('/') + 1).substr(0, name_max) + "-" + random_hex(4);
}

std::string random_hex(std::size_t bytes) {
    std::string raw(bytes, '\0');
    CHECK(::getrandom(raw.data(), raw.size(), 0) == static_cast<ssize_t>(bytes));
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        text += {digits[byte >> 4], digits[byte & 15]};
    }
    return text;
}

}  // namespace penstock::host
