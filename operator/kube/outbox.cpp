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
    : transport_(transport), on_news_(std::move(on_news)), writer_(settings()), timer_(io) {}

void Outbox::want(const std::string& key, runtime::Write write, OnResponse on_response) {
    listeners_[key] = std::move(on_response);
    writer_.want(key, std::move(write), steady_clock::now());
    send();
}

void Outbox::forget(const std::string& key) {
    writer_.drop(key);
    listeners_.erase(key);
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
             key = job->key,
             alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
                if (!alive.expired()) on_answer(key, response);
            }
        );
    const auto next = writer_.next(steady_clock::now());
    if (!next) return;
    timer_.expires_at(*next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) send();
    });
}

void Outbox::on_answer(const std::string& key, const runtime::Response& response) {
    const bool was_well = fault(key).empty();
    writer_.finish(key, response, steady_clock::now());
    if (const std::string now = fault(key); was_well && !now.empty())
        spdlog::warn("{}: {}", key, now);
    // A copy: what it does may want something else for the key.
    const auto found = listeners_.find(key);
    const OnResponse listener = found == listeners_.end() ? OnResponse{} : found->second;
    if (writer_.is_settled(key)) listeners_.erase(key);
    if (listener) listener(response);
    send();
    on_news_();
}

}  // namespace penstock::kube
