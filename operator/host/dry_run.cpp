#include "operator/host/dry_run.hpp"

#include "crds/api/encode.hpp"
#include "operator/domain/memory.hpp"
#include "operator/domain/plan.hpp"
#include "operator/domain/rollout.hpp"
#include "operator/host/files.hpp"
#include "operator/host/proxy_folder.hpp"
#include "operator/host/resources.hpp"
#include "operator/host/state_folder.hpp"
#include "operator/http/exchange.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

namespace penstock::host {

namespace {

using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::chrono::milliseconds report_timeout{1000};

void say(const std::string& text) { std::puts(text.c_str()); }

// The proxies that run, each with its report if it gives one in time.
std::vector<domain::Proxy> look_at_proxies(const fs::path& folder) {
    boost::asio::io_context io{1};
    std::vector<domain::Proxy> proxies;
    std::vector<std::unique_ptr<http::Exchange>> exchanges;
    const auto records = load_proxies(folder);
    proxies.reserve(records.size());
    for (const ProxyRecord& record : records) {
        if (record.process.pid == 0) continue;
        domain::Proxy& proxy = proxies.emplace_back();
        proxy.id = record.id;
        proxy.pool = record.pool;
        proxy.restart_hash = record.restart_hash;
        proxy.phase = record.draining ? domain::ProxyPhase::Draining : domain::ProxyPhase::Starting;
        const ProxyFolder files(folder, record.id);
        const auto port = files.admin_port();
        const auto token = files.read_token();
        if (!port || !token) continue;
        exchanges.push_back(
            std::make_unique<http::Exchange>(io, http::on_this_host(*port, *token), report_timeout)
        );
        exchanges.back()->ask([&proxy](api::Result<api::Report> report) {
            if (!report) return;
            proxy.report = *std::move(report);
            proxy.reported = steady_clock::now();
            if (proxy.phase == domain::ProxyPhase::Starting)
                proxy.phase = domain::ProxyPhase::Running;
        });
    }
    io.run_for(report_timeout * 2);
    return proxies;
}

std::uint64_t last_epoch(const fs::path& state) {
    const std::string text = read_file(state / "epoch").value_or("0");
    std::uint64_t epoch = 0;
    std::from_chars(text.data(), text.data() + text.size(), epoch);
    return epoch;
}

void tell_resources(const Resources& before, const Resources& after) {
    for (const auto& [key, stored] : after.store().resources()) {
        const auto known = before.store().resources().find(key);
        const bool is_new = known == before.store().resources().end();
        const bool is_same = !is_new && metadata_of(known->second.resource).generation ==
                                            metadata_of(stored.resource).generation;
        say(key.kind + " " + key.name + ": " +
            (is_new    ? "new"
             : is_same ? "unchanged"
                       : "changed") +
            ", from " + stored.file);
    }
    for (const auto& [key, stored] : before.store().resources()) {
        if (after.store().resources().count(key) == 0) say(key.kind + " " + key.name + ": deleted");
    }
    for (const Secret& secret : after.store().secrets())
        say("Secret " + secret.name_space + "/" + secret.name + ": " +
            std::to_string(secret.data.size()) + " keys");
    for (const ManifestFault& fault : after.faults()) say("refused: " + to_string(fault));
}

bool has_key(const std::vector<Secret>& secrets, const SecretKey& wanted) {
    return std::any_of(secrets.begin(), secrets.end(), [&](const Secret& secret) {
        return secret.name_space + "/" + secret.name == wanted.secret &&
               secret.data.count(wanted.key) > 0;
    });
}

void tell_workload(
    const domain::Workload& workload,
    const std::vector<domain::Proxy>& proxies,
    const Resources& resources,
    const fs::path& secrets_root
) {
    const std::string pool = "pool " + workload.pool + ": ";
    bool is_waiting = false;
    for (const SecretKey& named : secret_keys_named(api::encode(workload.config), secrets_root)) {
        if (has_key(resources.store().secrets(), named)) continue;
        is_waiting = true;
        say(pool + "would wait for Secret " + named.secret + " with key " + named.key);
    }
    if (is_waiting) return;
    domain::Workload free = workload;
    free.starts_allowed = workload.replicas;
    const domain::RolloutStep step = domain::next_step(free, proxies);
    if (step.start > 0)
        say(pool + "would start " + std::to_string(step.start) + " proxies on port " +
            std::to_string(workload.config.listen.port));
    for (const std::string& id : step.drain) say(pool + "would drain proxy " + id);
    if (step.done) say(pool + std::to_string(workload.replicas) + " proxies run as they should");
}

}  // namespace

int run_dry(const LocalOptions& options) {
    const fs::path state = fs::absolute(options.state_folder()).lexically_normal();
    const Resources::Folders folders{
        options.manifests, state / "objects", state / "secrets", state / "status"};
    const Resources before(folders, Resources::Access::ReadOnly);
    Resources resources(folders, Resources::Access::ReadOnly);
    resources.load();
    tell_resources(before, resources);

    domain::Observed observed;
    resources.observe(observed);
    observed.proxies = look_at_proxies(state / "proxies");
    observed.secrets_root = folders.secrets.string();
    domain::Memory memory(last_epoch(state) + 1);
    const domain::Plan plan =
        domain::make_plan(observed, memory, {steady_clock::now(), wall_time()});
    for (const std::string& pool : plan.removals) say("pool " + pool + ": would drain all proxies");
    for (const domain::Workload& workload : plan.workloads)
        tell_workload(workload, observed.proxies, resources, folders.secrets);
    for (const domain::GrantPush& push : plan.grants)
        say("proxy " + push.proxy_id + ": would be granted " +
            std::to_string(push.grant.server_connections) + " server connections");
    return resources.faults().empty() ? 0 : 1;
}

}  // namespace penstock::host
