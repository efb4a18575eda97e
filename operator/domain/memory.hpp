// What one run of the operator remembers between rounds. All of it may be lost at any time: nothing
// is raised until it is known again from the proxies' own reports. Owned by the deciding thread.
#pragma once

#include "operator/domain/account.hpp"
#include "operator/domain/demand.hpp"
#include "operator/domain/latency_window.hpp"
#include "operator/domain/observed.hpp"
#include "operator/domain/peak.hpp"
#include "operator/domain/throttle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace penstock::domain {

struct ProxyMemory {
    Account account;
    Demand demand;
    Peak want;  // over the stabilization window
    std::optional<Time> draining_since;
    bool end_told = false;  // its unexpected end was an event
};

struct PoolMemory {
    std::string database;  // key of the DatabaseMemory that its proxies last reported
    LatencyWindow latency;
    Throttle throttle;
    std::string policy;  // key of the policy that `throttle` is of; empty: none
    bool policy_enforced = false;
    std::optional<Time> status_written;
};

struct DatabaseMemory {
    std::optional<api::DatabaseFacts> facts;  // the newest
    Time facts_at{};                          // they were not true before that
    Peak others;
};

struct Memory {
    // `epoch_of_this_run`: higher than that of any earlier run; grants carry it.
    explicit Memory(std::uint64_t epoch_of_this_run) : epoch(epoch_of_this_run) {}

    std::uint64_t epoch;
    std::uint64_t sequence = 0;       // of the last grant
    std::uint64_t superseded_by = 0;  // a higher epoch seen in a report: this run grants no more
    std::optional<Time> began;        // the first round
    // Facts before this say nothing about processes that nobody knows or that were forgotten.
    Time facts_needed_after{};
    std::map<std::string, ProxyMemory> proxies;         // by id
    std::map<std::string, Time> policy_status_written;  // by key
    std::map<std::string, PoolMemory> pools;            // by key
    std::map<std::string, DatabaseMemory> databases;    // by system identifier and role
};

}  // namespace penstock::domain
