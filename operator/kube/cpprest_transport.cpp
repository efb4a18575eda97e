#include "operator/kube/cpprest_transport.hpp"

#include "operator/kube/request_target.hpp"
#include "operator/kube/tls.hpp"
#include "operator/kube/token_source.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

namespace penstock::kube {
namespace {

using runtime::Response;
using std::chrono::steady_clock;
using web::http::client::http_client;
using StreamId = Transport::StreamId;

constexpr int pool_threads = 4;  // the library's own default is 40

// The library keeps several connections, and a server that went has closed them all.
constexpr int stale_max = 8;

void start_pool() {
    static std::once_flag once;
    std::call_once(once, [] {
        try {
            crossplat::threadpool::initialize_with_threads(pool_threads);
        } catch (const std::exception&) {  // somebody else of this process has made it
        }
    });
}

web::http::method method_of(runtime::Method method) {
    switch (method) {
        case runtime::Method::Post:
            return web::http::methods::POST;
        case runtime::Method::Put:
            return web::http::methods::PUT;
        case runtime::Method::Patch:
            return web::http::methods::PATCH;
        case runtime::Method::Delete:
            return web::http::methods::DEL;
        case runtime::Method::Get:
            break;
    }
    return web::http::methods::GET;
}

// The way from the pool's threads to the io_context, closed when the transport ends.
class Gate {
 public:
    explicit Gate(boost::asio::io_context& io) : io_(&io) {}
    template <class F>
    void post(F&& work) {
        const std::lock_guard lock(mutex_);
        if (io_ != nullptr) boost::asio::post(*io_, std::forward<F>(work));
    }
    void close() {
        const std::lock_guard lock(mutex_);
        io_ = nullptr;
    }

 private:
    std::mutex mutex_;
    boost::asio::io_context* io_;
};

// What every exchange of a transport shares; all of it is safe from any thread.
struct Common {
    Common(boost::asio::io_context& io, Credentials given, TransportSettings set)
        : gate(io),
          credentials(std::move(given)),
          settings(std::move(set)),
          tokens(credentials.token) {}

    void note_tls_fault(std::string text) {
        const std::lock_guard lock(mutex);
        tls_fault = std::move(text);
    }
    std::string take_tls_fault() {
        const std::lock_guard lock(mutex);
        return std::exchange(tls_fault, {});
    }

    Gate gate;
    const Credentials credentials;
    const TransportSettings settings;
    TokenSource tokens;
    std::mutex mutex;
    std::string tls_fault;  // why the newest connection was not even tried
};

// The callbacks of one exchange, on the io_context's thread.
struct Caller {
    Transport::OnBytes on_bytes;  // empty: the answer comes whole
    Transport::OnResponse on_end;
    pplx::cancellation_token_source cancel;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
    std::unique_ptr<boost::asio::steady_timer> deadline;
};

using Callers = std::map<StreamId, Caller>;

// One request and its answer, on the pool's threads. Each step ends in exactly one next step.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
    Exchange(
        std::shared_ptr<Common> common,
        std::weak_ptr<Callers> callers,
        std::shared_ptr<http_client> client,
        runtime::Request request,
        StreamId id,
        bool is_stream,
        pplx::cancellation_token cancelled
    )
        : common_(std::move(common)),
          callers_(std::move(callers)),
          client_(std::move(client)),
          request_(std::move(request)),
          id_(id),
          is_stream_(is_stream),
          cancelled_(std::move(cancelled)) {}

    void start() {
        guarded([this] {
            pplx::create_task([self = shared_from_this()] {
                self->guarded([&self] { self->ask(); });
            });
        });
    }

 private:
    // Nothing may leave a continuation: the library would end the program.
    template <class F>
    void guarded(F&& step) {
        try {
            step();
        } catch (const std::exception& error) {
            fail(error.what());
        } catch (...) {
            fail("unknown error");
        }
    }

    void ask() {
        const auto token = common_->tokens.get(steady_clock::now());
        if (!token) return end({0, api::to_string(token.error()), {}, ""});
        token_ = *token;
        web::http::http_request message(method_of(request_.method));
        message.set_request_uri(web::uri(request_target(request_)));
        auto& headers = message.headers();
        // The keys of ServiceAccounts' tokens come as application/jwk-set+json only.
        headers.add("Accept", "application/json, */*;q=0.5");
        headers.add("User-Agent", common_->settings.user_agent);
        if (!token_.empty()) headers.add("Authorization", "Bearer " + token_);
        if (!request_.content_type.empty()) message.set_body(request_.body, request_.content_type);
        client_->request(message, cancelled_)
            .then([self = shared_from_this()](const pplx::task<web::http::http_response>& answer) {
                self->guarded([&] { self->on_head(answer); });
            });
    }

    void on_head(const pplx::task<web::http::http_response>& answer) {
        try {
            head_ = answer.get();
        } catch (const std::exception& error) {
            // A kept-alive connection that was closed in the meantime: the library sends again when
            // reading finds out, but not when writing does.
            const std::string text = error.what();
            if (text.find("Failed to write request") != std::string::npos && stale_++ < stale_max)
                return ask();
            return fail(text);
        }
        response_.status = head_.status_code();
        const auto header = head_.headers().find("Retry-After");
        if (header != head_.headers().end()) response_.retry_after = read_seconds(header->second);
        if (response_.status == 401 && !std::exchange(was_refused_, true) &&
            common_->tokens.refused(token_, steady_clock::now())) {
            response_ = {};
            return ask();
        }
        body_ = head_.body().streambuf();
        read();
    }

    void read() {
        body_.getc().then([self = shared_from_this()](const pplx::task<int>& first) {
            self->guarded([&] { self->on_readable(first.get()); });
        });
    }

    void on_readable(int first) {
        if (first == Buffer::traits::eof()) {
            head_.content_ready().then([self = shared_from_this(
                                        )](const pplx::task<web::http::http_response>& whole) {
                self->guarded([&] {
                    whole.get();
                    self->end(std::move(self->response_));
                });
            });
            return;
        }
        std::string bytes(std::max<std::size_t>(body_.in_avail(), 1), '\0');
        // What is there already is given at once; nobody waits here.
        const std::size_t size =
            body_.getn(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()).get();
        bytes.resize(size);
        if (is_stream_ && response_.ok()) {
            deliver(std::move(bytes));
        } else if (response_.body.size() + size > common_->settings.body_max) {
            return fail("the answer is too long");
        } else {
            response_.body += bytes;
        }
        read();
    }

    void deliver(std::string bytes) {
        common_->gate.post([callers = callers_, id = id_, bytes = std::move(bytes)] {
            const auto alive = callers.lock();
            if (!alive) return;
            const auto caller = alive->find(id);
            if (caller == alive->end()) return;
            const Transport::OnBytes on_bytes = caller->second.on_bytes;  // may cancel itself
            on_bytes(bytes);
        });
    }

    void fail(const std::string& text) {
        const Credentials& credentials = common_->credentials;
        std::string fault = credentials.server + ": " + text;
        if (text.find("handshake") != std::string::npos) {
            const std::string tls_fault = common_->take_tls_fault();
            fault += tls_fault.empty()
                         ? "; the certificate authority of " + credentials.origin +
                               " must be the one that signed the API server's certificate"
                         : "; " + tls_fault;
        }
        end({0, fault, {}, ""});
    }

    void end(Response response) {
        common_->gate.post([callers = callers_, id = id_, response = std::move(response)](
                           ) mutable {
            const auto alive = callers.lock();
            if (!alive) return;
            const auto caller = alive->find(id);
            if (caller == alive->end()) return;
            const Caller taken = std::move(caller->second);
            alive->erase(caller);
            taken.on_end(std::move(response));
        });
    }

    using Buffer = concurrency::streams::streambuf<std::uint8_t>;

    std::shared_ptr<Common> common_;
    std::weak_ptr<Callers> callers_;
    std::shared_ptr<http_client> client_;
    runtime::Request request_;
    StreamId id_;
    bool is_stream_;
    pplx::cancellation_token cancelled_;
    int stale_ = 0;  // kept connections that this request has found closed
    bool was_refused_ = false;
    std::string token_;
    web::http::http_response head_;
    Buffer body_;
    Response response_;
};

}  // namespace

struct CpprestTransport::State {
    State(boost::asio::io_context& context, Credentials credentials, TransportSettings settings)
        : io(context),
          common(std::make_shared<Common>(context, std::move(credentials), std::move(settings))) {}

    struct Kept {
        std::shared_ptr<http_client> client;
        steady_clock::time_point made{};
    };

    std::shared_ptr<http_client> client(Kept& kept, std::chrono::milliseconds idle) {
        const auto now = steady_clock::now();
        if (kept.client && now - kept.made < common->settings.client_lifetime) return kept.client;
        web::http::client::http_client_config config;
        config.set_timeout(idle);
        config.set_max_redirects(0);  // they would carry the token elsewhere
        config.set_tlsext_sni_enabled(!is_ip_address(common->credentials.server));
        config.set_ssl_context_callback([weak = std::weak_ptr<Common>(common
                                         )](boost::asio::ssl::context& context) {
            const auto alive = weak.lock();
            if (!alive) return;
            const auto prepared = prepare_tls(context, alive->credentials);
            alive->note_tls_fault(prepared ? "" : api::to_string(prepared.error()));
        });
        kept = {std::make_shared<http_client>(web::uri(common->credentials.server), config), now};
        return kept.client;
    }

    StreamId begin(const runtime::Request& request, OnBytes on_bytes, OnResponse on_end) {
        const bool is_stream = static_cast<bool>(on_bytes);
        const StreamId id = ++last_id;
        pplx::cancellation_token_source cancel;
        Caller caller{
            std::move(on_bytes), std::move(on_end), cancel, boost::asio::make_work_guard(io), {}};
        if (!is_stream) caller.deadline = deadline(id);
        callers->emplace(id, std::move(caller));
        const auto& settings = common->settings;
        auto kept =
            is_stream ? client(watching, settings.watch_idle) : client(unary, settings.unary_idle);
        std::make_shared<Exchange>(
            common, callers, std::move(kept), request, id, is_stream, cancel.get_token()
        )
            ->start();
        return id;
    }

    std::unique_ptr<boost::asio::steady_timer> deadline(StreamId id) {
        auto timer = std::make_unique<boost::asio::steady_timer>(io, common->settings.unary_whole);
        timer->async_wait([weak = std::weak_ptr<Callers>(callers),
                           id,
                           server =
                               common->credentials.server](const boost::system::error_code& e) {
            const auto alive = weak.lock();
            if (e || !alive) return;
            const auto found = alive->find(id);
            if (found == alive->end()) return;
            Caller taken = std::move(found->second);
            alive->erase(found);
            taken.cancel.cancel();
            taken.on_end({0, server + ": no whole answer in time", {}, ""});
        });
        return timer;
    }

    boost::asio::io_context& io;
    std::shared_ptr<Common> common;
    std::shared_ptr<Callers> callers = std::make_shared<Callers>();
    Kept unary;
    Kept watching;
    StreamId last_id = 0;
};

CpprestTransport::CpprestTransport(
    boost::asio::io_context& io, Credentials credentials, TransportSettings settings
) {
    start_pool();
    state_ = std::make_shared<State>(io, std::move(credentials), std::move(settings));
}

CpprestTransport::~CpprestTransport() {
    state_->common->gate.close();
    Callers callers = std::move(*state_->callers);
    state_->callers->clear();
    for (auto& [id, caller] : callers) caller.cancel.cancel();
}

void CpprestTransport::send(const runtime::Request& request, OnResponse on_response) {
    state_->begin(request, {}, std::move(on_response));
}

CpprestTransport::StreamId CpprestTransport::stream(
    const runtime::Request& request, OnBytes on_bytes, OnResponse on_end
) {
    return state_->begin(request, std::move(on_bytes), std::move(on_end));
}

void CpprestTransport::cancel(StreamId stream) {
    const auto found = state_->callers->find(stream);
    if (found == state_->callers->end()) return;
    Caller taken = std::move(found->second);
    state_->callers->erase(found);
    taken.cancel.cancel();
}

}  // namespace penstock::kube
