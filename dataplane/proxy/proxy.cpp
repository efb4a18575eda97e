#include "dataplane/proxy/proxy.hpp"

#include "dataplane/proxy/core.hpp"

namespace penstock::proxy {

void MovedServerDeleter::operator()(MovedServer* moved) const { delete moved; }

Proxy::Proxy(
    std::uint32_t worker,
    RandomSource& random,
    pool::Board& board,
    std::shared_ptr<const Settings> settings,
    TimePoint now
)
    : core_(std::make_unique<Core>(worker, random, board, std::move(settings), now)) {}

Proxy::~Proxy() = default;

LinkId Proxy::accepted(TimePoint now) {
    core_->begin(now);
    return core_->accepted();
}

void Proxy::received(LinkId link, std::string_view bytes, TimePoint now) {
    core_->begin(now);
    core_->received(link, bytes);
    core_->settle();
}

void Proxy::connected(LinkId link, TimePoint now) {
    core_->begin(now);
    core_->connected(link);
}

void Proxy::tls_established(LinkId link, bool has_protocol, TimePoint now) {
    core_->begin(now);
    core_->tls_established(link, has_protocol);
}

std::shared_ptr<const wire::DerivedVerifier> Proxy::keys_wanted(LinkId link) {
    return core_->keys_wanted(link);
}

void Proxy::keys_derived(LinkId link, TimePoint now) {
    core_->begin(now);
    core_->keys_derived(link);
    core_->settle();
}

void Proxy::ended(LinkId link, TimePoint now) {
    core_->begin(now);
    core_->ended(link);
    core_->settle();
}

void Proxy::closed(LinkId link, std::string_view reason, TimePoint now) {
    core_->begin(now);
    core_->closed(link, reason);
    core_->settle();
}

void Proxy::tick(TimePoint now) {
    core_->begin(now);
    core_->tick();
    core_->settle();
}

TimePoint Proxy::next_tick() const { return core_->next_tick(); }

void Proxy::has_turns() { core_->has_turns(); }

void Proxy::turn_ended(TimePoint now) {
    core_->begin(now);
    core_->turn_ended();
}

bool Proxy::has_freed() const { return core_->has_freed(); }

void Proxy::cancel_routed(
    CancelKey key, LinkId canceller, std::uint32_t from_worker, TimePoint now
) {
    core_->begin(now);
    core_->cancel_routed(key, canceller, from_worker);
    core_->settle();
}

void Proxy::cancel_finished(LinkId canceller, TimePoint now) {
    core_->begin(now);
    core_->cancel_finished(canceller);
}

void Proxy::server_wanted(std::uint32_t pool, std::uint32_t wanting_worker, TimePoint now) {
    core_->begin(now);
    core_->server_wanted(pool, wanting_worker);
    core_->settle();
}

void Proxy::permit_wanted(std::int32_t servers, TimePoint now) {
    core_->begin(now);
    core_->permit_wanted(servers);
    core_->settle();
}

MovedServerPtr Proxy::take_moved(LinkId link) { return core_->take_moved(link); }

LinkId Proxy::adopt(MovedServerPtr moved, TimePoint now) {
    core_->begin(now);
    const LinkId link = core_->adopt(std::move(moved));
    core_->settle();
    return link;
}

void Proxy::configure(std::shared_ptr<const Settings> settings, TimePoint now) {
    core_->begin(now);
    core_->configure(std::move(settings));
    core_->settle();
}

void Proxy::limits_changed(TimePoint now) {
    core_->begin(now);
    core_->limits_changed();
    core_->settle();
}

void Proxy::drain(TimePoint now) {
    core_->begin(now);
    core_->drain();
    core_->settle();
}

void Proxy::cut_off(TimePoint now) {
    core_->begin(now);
    core_->cut_off();
}

void Proxy::unread(LinkId link, TimePoint now) {
    core_->begin(now);
    core_->unread(link);
    core_->settle();
}

void Proxy::pending(std::size_t bytes) { core_->pending(bytes); }

const std::vector<Action>& Proxy::actions() const { return core_->actions(); }
const Metrics& Proxy::metrics() const { return core_->metrics(); }
const std::string& Proxy::server_error() const { return core_->server_error(); }
Census Proxy::census() const { return core_->census(); }

}  // namespace penstock::proxy
