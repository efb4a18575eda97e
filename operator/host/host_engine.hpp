// This host as a world for the reconcilers (operator/reconcile/engine.hpp): resources are files,
// proxies are processes. Owned by the deciding thread.
#pragma once

#include "operator/host/host_fleet.hpp"
#include "operator/host/resources.hpp"

#include <string>

namespace penstock::host {

class HostEngine {
 public:
    // `listen_address` is where all pools take clients.
    HostEngine(
        ProxySurroundings surroundings, Resources::Folders folders, std::string listen_address
    );

    // Takes over running proxies and reads the manifests.
    void begin();
    // The manifests may have changed.
    void load();
    // From now on nothing is started; what runs is drained.
    void stop();

    domain::Observed observe() const;
    void apply(const domain::Workload& workload);
    void remove(const std::string& pool) { fleet_.remove(pool); }
    void push(const domain::GrantPush& push) { fleet_.push(push); }
    void write(const domain::PoolStatusWrite& write) { resources_.write(write); }
    void write(const domain::PolicyStatusWrite& write) { resources_.write(write); }
    void record(const domain::Event& event) { resources_.record(event); }
    void forget(const std::string& proxy_id) { fleet_.forget(proxy_id); }

    HostFleet& fleet() { return fleet_; }
    Resources& resources() { return resources_; }

 private:
    Resources resources_;
    HostFleet fleet_;
    std::string listen_address_;
    std::string secrets_root_;
    bool is_stopping_ = false;
};

}  // namespace penstock::host
