#include "operator/kube/resources.hpp"

#include "crds/api/encode.hpp"
#include "crds/api/manifest.hpp"
#include "crds/api/names.hpp"
#include "operator/kube/apply_request.hpp"

#include <utility>
#include <variant>

namespace penstock::kube {

namespace {

using api::Document;

std::string place_of(const runtime::Resource& kind, const std::string& key) {
    return "status of " + std::string(kind.kind) + " " + key;
}

template <class Status>
Document status_document(
    const runtime::Resource& kind, const std::string& key, const Status& status
) {
    const std::size_t slash = key.find('/');
    Document object;
    object["apiVersion"] = kind.api_version();
    object["kind"] = std::string(kind.kind);
    object["metadata"] = {{"name", key.substr(slash + 1)}, {"namespace", key.substr(0, slash)}};
    object["status"] = api::encode(status);
    return object;
}

}  // namespace

Resources::Resources(
    boost::asio::io_context& io,
    Transport& transport,
    Cache& cache,
    Outbox& outbox,
    const std::string& reporter
)
    : cache_(cache), outbox_(outbox), events_(io, transport, reporter) {}

template <class Resource, class Status>
void Resources::read(
    const runtime::Resource& kind,
    std::map<std::string, Decoded<Resource>>& known,
    const std::map<std::string, Status>& written,
    std::vector<Resource>& list,
    std::map<std::string, std::vector<api::Error>>& faults
) {
    std::map<std::string, Decoded<Resource>> now;
    cache_.for_each(kind, [&](const std::string& key, const runtime::Snapshot& object) {
        Decoded<Resource> decoded;
        if (const auto before = known.find(key);
            before != known.end() && before->second.object == object) {
            decoded = std::move(before->second);
        } else {
            decoded.object = object;
            auto manifest = api::decode_manifest(*object, api::UnknownKeys::Ignore);
            if (!manifest)
                decoded.faults = manifest.error();
            else if (auto* resource = std::get_if<Resource>(&*manifest))
                decoded.resource = std::move(*resource);
        }
        if (!decoded.faults.empty()) faults[key] = decoded.faults;
        if (decoded.resource) {
            list.push_back(*decoded.resource);
            if (const auto status = written.find(key); status != written.end())
                list.back().status = status->second;
        }
        now.emplace(key, std::move(decoded));
    });
    known = std::move(now);
}

void Resources::observe(domain::Observed& observed) {
    read(
        runtime::resources::connection_pools,
        pools_,
        pool_statuses_,
        observed.pools,
        observed.pool_faults
    );
    read(
        runtime::resources::backpressures,
        policies_,
        policy_statuses_,
        observed.policies,
        observed.policy_faults
    );
}

template <class Status>
void Resources::write(
    const runtime::Resource& kind,
    const std::string& key,
    const Status& status,
    std::map<std::string, Status>& written
) {
    written[key] = status;
    runtime::Write write;
    write.request = apply_status_request(kind, status_document(kind, key, status));
    write.done_if_missing = true;
    outbox_.want(
        place_of(kind, key),
        std::move(write),
        [this, &kind, &written, key, status](const runtime::Response& response) {
            if (response.ok())
                if (auto document = api::parse_json(response.body))
                    cache_.put(kind, *std::move(document));
            // Unless something newer is on its way.
            const auto found = written.find(key);
            if (found != written.end() && found->second == status) written.erase(found);
        }
    );
}

void Resources::write(const domain::PoolStatusWrite& each) {
    write(runtime::resources::connection_pools, each.pool, each.status, pool_statuses_);
}

void Resources::write(const domain::PolicyStatusWrite& each) {
    write(runtime::resources::backpressures, each.policy, each.status, policy_statuses_);
}

void Resources::record(const domain::Event& event) {
    const runtime::Resource& kind = event.kind == domain::Kind::ConnectionPool
                                        ? runtime::resources::connection_pools
                                        : runtime::resources::backpressures;
    const runtime::Snapshot object = cache_.find(kind, event.key);
    if (!object) return;  // it was deleted
    const std::size_t slash = event.key.find('/');
    runtime::EventNote note;
    note.is_warning = event.type == domain::EventType::Warning;
    note.action = event.action;
    note.reason = event.reason;
    note.note = event.note;
    note.regarding = {
        kind.api_version(),
        std::string(kind.kind),
        event.key.substr(0, slash),
        event.key.substr(slash + 1),
        objects::text_at(*object, "/metadata/uid")};
    events_.record(note);
}

}  // namespace penstock::kube
