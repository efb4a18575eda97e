#include "operator/kube/event_recorder.hpp"

#include "crds/api/names.hpp"

namespace penstock::kube {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

}  // namespace

EventRecorder::EventRecorder(
    boost::asio::io_context& io, Transport& transport, const std::string& instance
)
    : transport_(transport),
      series_(std::string(api::group) + "/" + std::string(api::operator_name), instance),
      alarm_(io, [this] { send(); }) {}

void EventRecorder::record(const runtime::EventNote& note) {
    series_.record(note, steady_clock::now(), system_clock::now());
    send();
}

void EventRecorder::send() {
    if (const auto job = series_.take(steady_clock::now()))
        transport_.send(
            job->request,
            [this,
             key = job->key,
             alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
                if (alive.expired()) return;
                series_.finish(key, response, steady_clock::now());
                send();
            }
        );
    if (const auto next = series_.next()) alarm_.set(*next);
}

}  // namespace penstock::kube
