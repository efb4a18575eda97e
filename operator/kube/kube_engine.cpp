#include "operator/kube/kube_engine.hpp"

#include "operator/reconcile/engine.hpp"

#include <utility>

namespace penstock::kube {

namespace {

using std::chrono::steady_clock;

// Every write costs the API server and everybody who watches.
constexpr std::chrono::seconds status_period{15};

}  // namespace

static_assert(reconcile::Engine<KubeEngine>);

KubeEngine::KubeEngine(
    boost::asio::io_context& io,
    Transport& transport,
    Settings settings,
    std::function<void()> on_news
)
    : cache_(io, transport, settings.namespaces, on_news),
      outbox_(io, transport, on_news),
      trust_(io, transport, settings.trust, on_news),
      fleet_({io, [this](const objects::PodFacts& pod) { return trust_.access(pod); }, on_news}),
      resources_(io, transport, cache_, outbox_, settings.reporter),
      workloads_(
          cache_,
          outbox_,
          fleet_,
          std::move(settings.objects),
          [this](const domain::Event& event) { record(event); }
      ) {}

void KubeEngine::begin() {
    cache_.begin();
    trust_.begin();
}

std::string KubeEngine::fault() const {
    const std::string fault = cache_.fault();
    if (!fault.empty()) return fault;
    if (!trust_.fault().empty()) return trust_.fault();
    if (!cache_.synced()) return "not everything has been listed yet";
    return trust_.ready() ? "" : "the operator's keys are not known yet";
}

void KubeEngine::see_pods() {
    std::vector<runtime::Snapshot> pods;
    cache_.for_each(runtime::resources::pods, [&](const auto&, const runtime::Snapshot& pod) {
        pods.push_back(pod);
    });
    const bool is_same = pods == pods_ && fleet_.has_seen();
    pods_ = std::move(pods);
    if (is_same && !fleet_.has_ends_to_see()) return;
    std::vector<objects::PodFacts> facts;
    for (const runtime::Snapshot& pod : pods_) facts.push_back(objects::read_pod(*pod));
    fleet_.see(facts);
}

domain::Observed KubeEngine::observe() {
    see_pods();
    domain::Observed observed;
    resources_.observe(observed);
    observed.proxies = fleet_.proxies();
    workloads_.observe(observed);
    observed.status_period = status_period;
    observed.replaced_untold = true;
    observed.inherited_is_told = true;
    return observed;
}

void KubeEngine::apply(const domain::Workload& workload) {
    workloads_.apply(workload, trust_.authorities(), steady_clock::now());
}

}  // namespace penstock::kube
