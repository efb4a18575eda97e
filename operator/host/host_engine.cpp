#include "operator/host/host_engine.hpp"

#include "operator/reconcile/engine.hpp"

namespace penstock::host {

namespace {

// A file costs little, and people watch it.
constexpr std::chrono::milliseconds status_period{500};

}  // namespace

static_assert(reconcile::Engine<HostEngine>);

HostEngine::HostEngine(
    ProxySurroundings surroundings, Resources::Folders folders, std::string listen_address
)
    : resources_(folders, Resources::Access::ReadWrite),
      fleet_(std::move(surroundings), folders.secrets),
      listen_address_(std::move(listen_address)),
      secrets_root_(folders.secrets.string()) {}

void HostEngine::begin() {
    load();
    fleet_.adopt();
}

void HostEngine::load() {
    if (resources_.load()) fleet_.reload();
}

void HostEngine::stop() {
    is_stopping_ = true;
    fleet_.drain_all();
}

domain::Observed HostEngine::observe() const {
    domain::Observed observed;
    resources_.observe(observed);
    observed.proxies = fleet_.proxies();
    observed.workload_faults = fleet_.faults();
    observed.missing_secrets = fleet_.missing();
    observed.status_period = status_period;
    observed.secrets_root = secrets_root_;
    return observed;
}

void HostEngine::apply(const domain::Workload& workload) {
    if (is_stopping_) return;
    domain::Workload here = workload;
    here.config.listen.address = listen_address_;
    fleet_.apply(here);
}

}  // namespace penstock::host
