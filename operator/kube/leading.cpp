#include "operator/kube/leading.hpp"

#include "operator/kube/api_metrics.hpp"
#include "operator/reconcile/fleet.hpp"
#include "operator/runtime/time_text.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// Between two rounds, at least: news that come together are taken together.
constexpr milliseconds round_distance{100};
// While a proxy that runs has not answered yet.
constexpr milliseconds starting_distance{100};

}  // namespace

Leading::Leading(
    boost::asio::io_context& io,
    Transport& transport,
    KubeEngine::Settings settings,
    std::uint64_t epoch,
    milliseconds interval,
    std::function<bool()> is_leader
)
    : ticks_(io, [this] { tick(); }),
      starting_(io, [this] { ask_starting(); }),
      rounds_(io, [this] { round(); }),
      interval_(interval),
      is_leader_(std::move(is_leader)),
      engine_(io, transport, std::move(settings), [this] { round_soon(); }),
      memory_(epoch) {
    counters_.epoch = epoch;
}

void Leading::begin() {
    engine_.begin();
    tick();
    ask_starting();
}

void Leading::tick() {
    if (engine_.fault() != told_fault_) {
        told_fault_ = engine_.fault();
        if (told_fault_.empty())
            spdlog::info("all of the cluster is heard again");
        else
            spdlog::warn("{}", told_fault_);
    }
    engine_.fleet().exchange();
    round_soon();
    ticks_.set_after(interval_);
}

void Leading::ask_starting() {
    engine_.fleet().exchange_starting();
    starting_.set_after(starting_distance);
}

void Leading::round_soon() {
    if (is_round_due_) return;
    is_round_due_ = true;
    rounds_.set(std::max(steady_clock::now(), last_round_ + round_distance));
}

void Leading::round() {
    is_round_due_ = false;
    if (!engine_.ready() || !is_leader_()) return;
    last_round_ = steady_clock::now();
    const domain::Plan plan = reconcile::reconcile(
        engine_, memory_, {last_round_, runtime::to_time(system_clock::now())}
    );
    const std::chrono::duration<double> took = steady_clock::now() - last_round_;
    counters_.add_reconcile(took.count());
    counters_.grants_pushed += plan.grants.size();
    counters_.count_violations(engine_.observe().pools);
}

void Leading::add_metrics(metrics::Families& families) {
    metrics::add_operator(families, engine_.observe(), counters_);
    add_cache(families, engine_.cache());
    add_writer(families, engine_.outbox().writer());
}

}  // namespace penstock::kube
