// A thread with a Proxy and the sockets of its links. It hands events to the Proxy and performs the
// actions that come back, in order; it decides nothing. A turn of its loop serves every socket that
// is ready, what other threads posted, and the timer.
//
// Constructed and listening on the control thread, then run() makes a thread its own. What other
// threads may call is said below; every other entry checks its thread.
#pragma once

#include "dataplane/net/configuration.hpp"
#include "dataplane/net/connector.hpp"
#include "dataplane/net/deriver.hpp"
#include "dataplane/net/links.hpp"
#include "dataplane/net/listener.hpp"
#include "dataplane/net/mailbox.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/system_random.hpp"
#include "dataplane/proxy/proxy.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace penstock::net {

class Worker {
 public:
    using TimePoint = proxy::TimePoint;

    // drained: called once on the worker's thread, after drain(), when its last link is gone.
    // lookups: where the database's name is resolved; must outlive this, and be run by somebody.
    Worker(
        std::uint32_t index,
        pool::Board& board,
        std::shared_ptr<const Configuration> configuration,
        std::function<void()> drained,
        boost::asio::io_context& lookups
    );

    // Before run().
    api::Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
    // deriver: stops before this goes.
    // cpus: that the process may use.
    void set_peers(std::vector<Worker*> peers, std::int32_t cpus, Deriver& deriver) {
        cpus_ = cpus;
        peers_ = std::move(peers);
        deriver_ = &deriver;
    }

    // The thread's body. Returns after stop(), with every link closed.
    void run();

    // Any thread. Each takes effect a little later.
    void configure(std::shared_ptr<const Configuration> configuration);
    void limits_changed();
    // Stops accepting and lets the Proxy hand everybody off; `drained` follows.
    void drain();
    // Closes everything at once and ends run().
    void stop();

    // Any thread.
    const proxy::Metrics& metrics() const { return proxy_.metrics(); }
    // The last fault in opening a server connection; empty once one succeeded.
    std::string server_error() const;

    // From the worker's own listener: gives the client to the worker that has fewest, of those that
    // are in use.
    void accepted(UniqueFd client);

 private:
    // 64 KiB: what one read takes at most. One for the worker, not one for each link, so that an
    // idle client costs no buffer.
    static constexpr std::size_t buffer_bytes = 65'536;
    // Others get their turn after so many full buffers from one link.
    static constexpr int reads_max = 4;

    // Runs `body`, which calls one entry of the Proxy, as an event of this worker. Any thread.
    template <class Body>
    void post(Body body) {
        mailbox_->post([this, body = std::move(body)]() mutable {
            if (is_stopping_) return;
            begin_event();
            body();
            perform(nullptr);
            end_event();
        });
    }
    template <class Body>
    void post_to(std::uint32_t worker, Body body) {
        Worker* const peer = peers_[worker];
        peer->post([peer, body = std::move(body)]() mutable { body(*peer); });
    }
    TcpOptions tcp_options() const;
    void take(UniqueFd client);
    void turn();
    std::chrono::milliseconds time_to_timer() const;
    void begin_event();
    void end_event();
    // Does what the link's state and the readiness of its socket allow.
    void serve(Link& link);
    // Has it served in the next turn, after whoever is ready then.
    void serve_again(Link& link);
    void serve_all_again();
    // To be called when a link may be read again: what came before makes no event any more.
    void resume(Link& link);

    // Performs the Proxy's actions. origin: the link whose event caused them, or null.
    void perform(Link* origin);
    void perform_one(const proxy::Action& action);
    void move_servers();
    void derive_keys(proxy::LinkId name);
    void enqueue(Link& link, std::string_view bytes);
    void flush(Link& link);
    void flush_all(Link* origin);
    void add_part(std::string_view bytes);
    // Writes iovecs_ to the link; what its socket does not take becomes pending.
    void flush_parts(Link& link);
    void block_if_behind(Link* origin, Link& link);

    void read(Link& link);
    bool begins_tls(Link& link);
    void write(Link& link);
    void lose_broken(Link& link);
    void set_paused(Link& link, bool paused);
    void block(Link& blocked, Link& blocker);
    void unblock_others(Link& blocker);

    void open_server(proxy::LinkId name);
    void open_cancel(proxy::LinkId name, proxy::LinkId server);
    void connect_next(Link& link);
    void connect_finished(Link& link);
    void start_tls(Link& link);
    void handshake(Link& link);

    void close_when_sent(Link& link);
    void forget(Link& link);
    enum class Ending { Close, Abort };
    void close(Link& link, Ending ending);
    // Has the Proxy told at the end of this event.
    void fail(proxy::LinkId name, std::string reason);
    void lose(Link& link, std::string_view reason);

    void arm_timer();
    void tick();
    void cut_lingering();
    void cut_unread();
    void tell_drained();
    void publish_server_error();

    const std::uint32_t index_;
    const std::function<void()> drained_;
    Deriver* deriver_ = nullptr;
    pool::Board& board_;
    std::vector<Worker*> peers_;  // all workers by index, this one too
    std::int32_t cpus_ = 1;
    std::atomic<std::int32_t> clients_{0};  // given to this worker and not closed

    // This worker's thread only.
    std::thread::id thread_;
    bool is_stopping_ = false;  // ends the loop
    bool has_letters_ = false;
    Poller poller_;
    const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    std::shared_ptr<const Configuration> configuration_;
    TimePoint now_;  // of the running event
    SystemRandom random_;
    proxy::Proxy proxy_;
    Links links_;
    Listener listener_;
    Resolver resolver_;
    TimePoint timer_at_ = TimePoint::max();
    TimePoint next_look_for_unread_{};
    bool is_drained_ = false;       // Drained was asked for
    bool is_told_drained_ = false;  // and said
    std::vector<std::pair<proxy::LinkId, std::string>> failed_;
    std::vector<std::pair<proxy::LinkId, std::uint32_t>> moves_;
    std::unordered_multimap<Link*, Link*> blocks_;  // blocker to blocked
    std::vector<Link*> lingering_;
    std::vector<Link*> again_;
    std::vector<Link*> served_later_;  // of the running turn
    std::vector<Link*> served_again_;  // of the running turn; empty between turns
    std::array<char, buffer_bytes> buffer_;

    // The sends of the running event, chained by link through Part::next; index 0 is not used.
    struct Part {
        std::string_view bytes;
        std::uint32_t next = 0;
    };
    std::vector<Part> outbox_{1};
    std::vector<Link*> outbox_links_;
    std::vector<iovec> iovecs_;

    // For other threads.
    mutable std::mutex status_mutex_;
    std::string server_error_;
};

}  // namespace penstock::net
