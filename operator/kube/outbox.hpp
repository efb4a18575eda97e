// What the operator wants of the API, one newest wish for each thing (runtime::Writer), and few at
// a time. Owned by the deciding thread.
#pragma once

#include "operator/kube/transport.hpp"
#include "operator/runtime/writer.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

namespace penstock::kube {

class Outbox {
 public:
    using OnResponse = std::function<void(const runtime::Response&)>;

    // `on_news`: an answer has come.
    Outbox(boost::asio::io_context& io, Transport& transport, std::function<void()> on_news);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    // From now on this is what is wanted for the key. `on_response` hears every answer to it, good
    // or not, until something else is wanted.
    void want(const std::string& key, runtime::Write write, OnResponse on_response);
    void forget(const std::string& key);
    // Why the last try failed; empty when there is none or it is under way.
    std::string fault(const std::string& key) const;
    bool is_settled(const std::string& key) const { return writer_.is_settled(key); }

    const runtime::Writer& writer() const { return writer_; }

 private:
    void send();
    void on_answer(const std::string& key, const runtime::Response& response);

    Transport& transport_;
    std::function<void()> on_news_;
    runtime::Writer writer_;
    boost::asio::steady_timer timer_;
    std::map<std::string, OnResponse> listeners_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace penstock::kube
