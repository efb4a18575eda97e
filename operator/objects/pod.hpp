// What a Pod of a pool says about its proxy: the parts of its document that the operator looks at.
#pragma once

#include "crds/api/document.hpp"

#include <cstdint>
#include <string>

namespace penstock::objects {

struct PodFacts {
    std::string name_space;
    std::string name;
    std::string uid;
    std::string pool;          // key of its pool: "namespace/name"
    std::string ip;            // empty until it has one
    std::string restart_hash;  // of the Pod template that it was made from
    std::string config_seen;   // annotation: the configuration that the kubelet was last told of
    // Of the proxy's container now: another value is another process. Empty before the first.
    std::string container_id;
    bool running = false;      // the container runs
    bool ready = false;        // condition Ready
    bool terminating = false;  // has a deletionTimestamp
    bool ended = false;        // phase Succeeded or Failed: it never runs again
    // Why it does not run, as the kubelet or the scheduler says; empty when it does.
    std::string fault;

    bool operator==(const PodFacts&) const = default;
};

PodFacts read_pod(const api::Document& pod);

}  // namespace penstock::objects
