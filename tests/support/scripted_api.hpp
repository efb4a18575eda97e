// The door to a Kubernetes API server in memory, for tests of what stands behind kube::Transport.
// Answers and what watches tell come over the io_context, as with the real one. A test may put
// another answer in the server's place, hold answers back, and write as somebody else.
#pragma once

#include "operator/kube/transport.hpp"
#include "operator/runtime/resource.hpp"
#include "tests/support/fake_api_server.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace penstock::test {

// Runs all that is ready now; what waits for a time is left.
inline void settle(boost::asio::io_context& io) {
    io.restart();
    while (io.poll() > 0) io.restart();
}

// Whether it came true within 10 s.
template <class Predicate>
bool run_until(boost::asio::io_context& io, Predicate is_true) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_true()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

class ScriptedApi : public kube::Transport {
 public:
    explicit ScriptedApi(boost::asio::io_context& io) : io_(io) {}

    void send(const runtime::Request& request, OnResponse on_response) override {
        requests.push_back(request);
        std::function<void()> job = [this, request, answer = std::move(on_response)] {
            answer(answer_to(request));
            tell_streams();
        };
        if (is_held_) {
            held_.push_back(std::move(job));
        } else {
            boost::asio::post(io_, std::move(job));
        }
    }

    StreamId stream(const runtime::Request& request, OnBytes on_bytes, OnResponse on_end) override {
        streams_asked.push_back(request);
        const StreamId id = ++last_stream_;
        runtime::Response refused;
        auto opened = server_.open(request, refused);
        if (opened) {
            streams_[id] = {*std::move(opened), std::move(on_bytes), std::move(on_end)};
            tell_streams();
        } else {
            boost::asio::post(io_, [end = std::move(on_end), refused] { end(refused); });
        }
        return id;
    }

    void cancel(StreamId stream) override { streams_.erase(stream); }

    // Asked so far, in order.
    std::vector<runtime::Request> requests;
    std::vector<runtime::Request> streams_asked;

    // "PATCH /api/v1/namespaces/shop/services/orders" for each request since the last call.
    std::vector<std::string> take_lines() {
        static const char* const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
        std::vector<std::string> lines;
        for (; taken_ < requests.size(); ++taken_)
            lines.push_back(
                std::string(names[static_cast<int>(requests[taken_].method)]) + " " +
                requests[taken_].path
            );
        return lines;
    }

    // What is answered in the server's place, so many times.
    void answer_with(
        runtime::Method method, const std::string& path, runtime::Response response, int times = -1
    ) {
        answers_[{method, path}] = {std::move(response), times};
    }
    void answer_as_usual(runtime::Method method, const std::string& path) {
        answers_.erase({method, path});
    }

    // Requests are neither carried out nor answered until release().
    void hold() { is_held_ = true; }
    void release() {
        is_held_ = false;
        for (std::function<void()>& job : std::exchange(held_, {}))
            boost::asio::post(io_, std::move(job));
    }

    // All open streams end so.
    void end_streams(const runtime::Response& response) {
        for (auto& [id, stream] : std::exchange(streams_, {}))
            boost::asio::post(io_, [end = std::move(stream.on_end), response] { end(response); });
    }
    std::size_t streams() const { return streams_.size(); }
    void send_bookmarks() {
        for (const auto& [id, stream] : streams_)
            boost::asio::post(io_, [this, id = id] {
                const auto found = streams_.find(id);
                if (found == streams_.end()) return;
                const OnBytes on_bytes = found->second.on_bytes;
                on_bytes(server_.bookmark(found->second.position));
            });
    }

    // As somebody else writes it: made, or replaced under the same uid.
    api::Document put(const runtime::Resource& kind, api::Document object) {
        object["metadata"].erase("resourceVersion");
        const std::string name_space = object["metadata"].value("namespace", std::string());
        const std::string name = object["metadata"].value("name", std::string());
        runtime::Request request;
        const bool is_new = get(kind, name_space, name).is_null();
        request.method = is_new ? runtime::Method::Post : runtime::Method::Put;
        request.path = is_new ? kind.collection(name_space) : kind.object(name_space, name);
        request.content_type = "application/json";
        request.body = api::to_json_text(object);
        const runtime::Response response = server_.answer(request);
        tell_streams();
        return api::parse_json(response.body).value_or(api::Document());
    }
    void remove(
        const runtime::Resource& kind, const std::string& name_space, const std::string& name
    ) {
        runtime::Request request;
        request.method = runtime::Method::Delete;
        request.path = kind.object(name_space, name);
        server_.answer(request);
        tell_streams();
    }
    // Null: there is none.
    api::Document get(
        const runtime::Resource& kind, const std::string& name_space, const std::string& name
    ) {
        runtime::Request request;
        request.path = kind.object(name_space, name);
        const runtime::Response response = server_.answer(request);
        return response.ok() ? api::parse_json(response.body).value_or(api::Document())
                             : api::Document();
    }
    std::size_t size(const runtime::Resource& kind) const {
        return server_.all(kind.collection()).size();
    }

 private:
    struct Scripted {
        runtime::Response response;
        int times;
    };
    struct Stream {
        FakeApiServer::Stream position;
        OnBytes on_bytes;
        OnResponse on_end;
    };

    runtime::Response answer_to(const runtime::Request& request) {
        const auto found = answers_.find({request.method, request.path});
        if (found == answers_.end()) return server_.answer(request);
        const runtime::Response response = found->second.response;
        if (found->second.times > 0 && --found->second.times == 0) answers_.erase(found);
        return response;
    }

    void tell_streams() {
        for (const auto& [id, stream] : streams_)
            boost::asio::post(io_, [this, id = id] { tell(id); });
    }
    void tell(StreamId id) {
        const auto found = streams_.find(id);
        if (found == streams_.end()) return;
        const std::string lines = server_.read(found->second.position);
        // A copy: it may cancel the stream.
        const OnBytes on_bytes = found->second.on_bytes;
        if (!lines.empty()) on_bytes(lines);
    }

    boost::asio::io_context& io_;
    FakeApiServer server_;
    std::map<std::pair<runtime::Method, std::string>, Scripted> answers_;
    std::map<StreamId, Stream> streams_;
    StreamId last_stream_ = 0;
    std::size_t taken_ = 0;
    bool is_held_ = false;
    std::vector<std::function<void()>> held_;
};

}  // namespace penstock::test
