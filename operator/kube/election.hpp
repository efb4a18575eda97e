// Carries out what a runtime::Elector asks for. Owned by the deciding thread.
#pragma once

#include "operator/kube/alarm.hpp"
#include "operator/kube/transport.hpp"
#include "operator/runtime/lease.hpp"

#include <functional>
#include <memory>

namespace penstock::kube {

class Election {
 public:
    // `on_change`: is_leader() or is_over() has changed.
    Election(
        boost::asio::io_context& io,
        Transport& transport,
        runtime::LeaseSettings settings,
        std::function<void()> on_change
    );
    Election(const Election&) = delete;
    Election& operator=(const Election&) = delete;

    void begin() { go_on(); }
    // Gives the Lease back; is_over() tells when.
    void stop();

    bool is_leader() const;
    bool is_over() const { return elector_.is_over(); }
    // The Lease has been read: this process knows who leads.
    bool knows_holder() const { return !elector_.holder().empty(); }
    const runtime::Elector& elector() const { return elector_; }

 private:
    void go_on();
    void tell();

    Transport& transport_;
    runtime::Elector elector_;
    std::function<void()> on_change_;
    Alarm alarm_;
    bool told_leader_ = false;
    bool told_over_ = false;
    std::string told_fault_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace penstock::kube
