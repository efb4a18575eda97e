// The ConnectionPools and Backpressure policies of the cluster as the control core sees them, and
// what is said about them: status and events. Owned by the deciding thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/kube/cache.hpp"
#include "operator/kube/event_recorder.hpp"
#include "operator/kube/outbox.hpp"
#include "operator/objects/read.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::kube {

class Resources {
 public:
    // `reporter`: this process, in events ("penstock-operator-7d4f-x2").
    Resources(
        boost::asio::io_context& io,
        Transport& transport,
        Cache& cache,
        Outbox& outbox,
        const std::string& reporter
    );

    // Fills in pools, policies and their faults.
    void observe(domain::Observed& observed);
    void write(const domain::PoolStatusWrite& each);
    void write(const domain::PolicyStatusWrite& each);
    // Never waits and never fails: an event that cannot be written is dropped.
    void record(const domain::Event& event);

 private:
    // Of one object as it was last read: decoded once for each version.
    template <class Resource>
    struct Decoded {
        runtime::Snapshot object;
        std::optional<Resource> resource;
        std::vector<api::Error> faults;
    };

    template <class Resource, class Status>
    void read(
        const runtime::Resource& kind,
        std::map<std::string, Decoded<Resource>>& known,
        const std::map<std::string, Status>& written,
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
    std::map<std::string, Decoded<api::ConnectionPool>> pools_;
    std::map<std::string, Decoded<api::Backpressure>> policies_;
    // Statuses on their way: as good as observed, so that a round does not write what the one
    // before has written.
    std::map<std::string, api::ConnectionPoolStatus> pool_statuses_;
    std::map<std::string, api::BackpressureStatus> policy_statuses_;
    EventRecorder events_;
};

}  // namespace penstock::kube
