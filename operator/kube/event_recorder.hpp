// Writes events (runtime::EventSeries) as they become due. Owned by the deciding thread.
#pragma once

#include "operator/kube/alarm.hpp"
#include "operator/kube/transport.hpp"
#include "operator/runtime/event_series.hpp"

#include <memory>
#include <string>

namespace penstock::kube {

class EventRecorder {
 public:
    EventRecorder(boost::asio::io_context& io, Transport& transport, const std::string& instance);
    EventRecorder(const EventRecorder&) = delete;
    EventRecorder& operator=(const EventRecorder&) = delete;

    void record(const runtime::EventNote& note);
    const runtime::EventCounters& counters() const { return series_.counters(); }

 private:
    void send();

    Transport& transport_;
    runtime::EventSeries series_;
    Alarm alarm_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace penstock::kube
