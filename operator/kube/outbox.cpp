#include "operator/kube/outbox.hpp"

#include <random>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using std::chrono::steady_clock;

runtime::WriterSettings settings() {
    runtime::WriterSettings settings;
    // Hundreds of pools at once are some thousands of requests.
    settings.rate = 100;
    settings.burst = 200;
    settings.seed = std::random_device{}();
    return settings;
}

}  // namespace

Outbox::Outbox(boost::asio::io_context& io, Transport& transport, std::function<void()> on_news)
    : transport_(transport),
      on_news_(std::move(on_news)),
      writer_(settings()),
      alarm_(io, [this] { send(); }) {}

void Outbox::want(const std::string& key, runtime::Write write, OnResponse on_response) {
    wanted_[key] = {write.request, std::move(on_response)};
    writer_.want(key, std::move(write), steady_clock::now());
    send();
}

void Outbox::forget(const std::string& key) {
    writer_.drop(key);
    wanted_.erase(key);
}

std::string Outbox::fault(const std::string& key) const {
    const auto found = writer_.faults().find(key);
    return found == writer_.faults().end() ? std::string{} : found->second.text;
}

void Outbox::send() {
    while (auto job = writer_.take(steady_clock::now()))
        transport_.send(
            job->request,
            [this,
             job = *job,
             alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
                if (!alive.expired()) on_answer(job, response);
            }
        );
    if (const auto next = writer_.next(steady_clock::now())) alarm_.set(*next);
}

void Outbox::on_answer(const runtime::Writer::Job& job, const runtime::Response& response) {
    const std::string& key = job.key;
    const bool was_well = fault(key).empty();
    writer_.finish(key, response, steady_clock::now());
    if (const std::string now = fault(key); was_well && !now.empty())
        spdlog::warn("{}: {}", key, now);
    // A copy: what it does may want something else for the key. An answer to what is wanted no more
    // is nobody's.
    OnResponse listener;
    if (const auto found = wanted_.find(key);
        found != wanted_.end() && found->second.request == job.request)
        listener = found->second.on_response;
    if (writer_.is_settled(key)) wanted_.erase(key);
    if (listener) listener(response);
    send();
    on_news_();
}

}  // namespace penstock::kube
