// The ConnectionPools and Backpressure policies of the cluster as the control core sees them, and
// what is said about them: status and events. Owned by the deciding thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/kube/cache.hpp"
#include "operator/kube/outbox.hpp"
#include "operator/runtime/event_series.hpp"

#include <map>
#include <string>
#include <vector>

namespace penstock::kube {

class Resources {
 public:
    // `reporter`: this process, in events ("penstock-operator-7d4f-x2").
    Resources(Cache& cache, Outbox& outbox, std::string reporter);

    // Fills in pools, policies and their faults.
    void observe(domain::Observed& observed);
    void write(const domain::PoolStatusWrite& write);
    void write(const domain::PolicyStatusWrite& write);
    // Never waits and never fails: an event that cannot be written is dropped.
    void record(const domain::Event& event, const domain::Now& now);

 private:
    template <class Resource, class Status>
    void read(
        const runtime::Resource& kind,
        std::map<std::string, Status>& written,
        std::vector<Resource>& list,
        std::map<std::string, std::vector<api::Error>>& faults
    );
    template <class Status>
    void write(
        const runtime::Resource& kind,
        const std::string& key,
        const Status& status,
        std::map<std::string, Status>& written
    );

    Cache& cache_;
    Outbox& outbox_;
    // Statuses on their way or just written: as good as observed, so that a round does not write
    // what the one before has written. Dropped when the write has failed.
    std::map<std::string, api::ConnectionPoolStatus> pool_statuses_;
    std::map<std::string, api::BackpressureStatus> policy_statuses_;
    runtime::EventSeries series_;
    std::uint64_t events_ = 0;
};

}  // namespace penstock::kube
