// A pool's workload, an API server in memory and what applies the one to the other.
#pragma once

#include "operator/kube/workloads.hpp"
#include "operator/objects/read.hpp"
#include "tests/support/reporting_proxy.hpp"
#include "tests/support/sample_workload.hpp"
#include "tests/support/scripted_api.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace penstock::kube {

namespace kinds = runtime::resources;

class WorkloadsTest : public ::testing::Test {
 protected:
    WorkloadsTest() {
        cache_.begin();
        test::settle(io_);
        api_.take_lines();
    }
    // One round, and all that is answered to it. What was asked.
    std::vector<std::string> round(std::chrono::milliseconds later = std::chrono::seconds(2)) {
        now_ += later;
        workloads_.apply(workload_, "-----CA-----", now_);
        test::settle(io_);
        return api_.take_lines();
    }
    void bring_in_force() {
        for (int i = 0; i < 3; ++i) round();
        ASSERT_TRUE(round().empty()) << "all is in force";
    }
    domain::Observed observe() const {
        domain::Observed observed;
        workloads_.observe(observed);
        return observed;
    }
    std::string conflict() const {
        const auto conflicts = observe().ownership_conflicts;
        return conflicts.contains("shop/orders") ? conflicts.at("shop/orders") : "";
    }
    std::string fault() const {
        const auto faults = observe().workload_faults;
        return faults.contains("shop/orders") ? faults.at("shop/orders") : "";
    }
    std::int64_t replicas() {
        return objects::number_at(api_.get(kinds::deployments, "shop", "orders"), "/spec/replicas");
    }
    // The Pod orders-1, in the cluster too; its proxy says this.
    void report(std::int64_t generation, std::vector<std::string> errors = {}) {
        served_.report.config_generation = generation;
        served_.report.config_errors = std::move(errors);
        api_.put(kinds::pods, {{"metadata", {{"name", "orders-1"}, {"namespace", "shop"}}}});
        fleet_.see({test::running_pod("orders-1")});
        const int before = answers_;
        fleet_.exchange();
        ASSERT_TRUE(test::run_until(io_, [&] { return answers_ > before; }));
        api_.take_lines();
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    test::ReportingProxy served_{io_, "orders-1-ab12"};
    int answers_ = 0;
    Cache cache_{io_, api_, {}, [] {}};
    Outbox outbox_{io_, api_, [] {}};
    PodFleet fleet_{ProxySurroundings{
        io_,
        [this](const objects::PodFacts&) { return std::optional(served_.access()); },
        [this] { ++answers_; }}};
    std::vector<domain::Event> events_;
    Workloads workloads_{
        cache_, outbox_, fleet_, {"proxy:1", ""}, [this](const domain::Event& event) {
            events_.push_back(event);
        }};
    domain::Workload workload_ = test::sample_workload();
    domain::Time now_{std::chrono::hours(1)};
};

}  // namespace penstock::kube
