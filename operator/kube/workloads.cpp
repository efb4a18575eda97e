#include "operator/kube/workloads.hpp"

#include "operator/kube/apply_request.hpp"
#include "operator/kube/kinds.hpp"
#include "operator/objects/in_force.hpp"
#include "operator/objects/names.hpp"
#include "operator/objects/read.hpp"
#include "operator/runtime/api_error.hpp"

#include <algorithm>
#include <utility>

namespace penstock::kube {

namespace {

using api::Document;

// Between two looks at a name that somebody else has.
constexpr std::chrono::seconds name_distance{5};
// Between two looks at a pool whose objects are not all in force, when nothing is heard.
constexpr std::chrono::seconds unsettled_distance{1};
// Between two requests to the kubelet to look at a Pod's volumes again.
constexpr std::chrono::seconds poke_distance{5};
constexpr std::chrono::seconds poke_distance_most{60};

std::string place_of(const runtime::Resource& kind, const std::string& key) {
    return std::string(kind.kind) + " " + key;
}

// The object's controller, or null.
const Document* controller_of(const Document& object) {
    for (const Document& owner : objects::list_at(object, "/metadata/ownerReferences"))
        if (const auto found = owner.find("controller"); found != owner.end() && *found == true)
            return &owner;
    return nullptr;
}

std::string owner_text(const Document& object) {
    const Document* owner = controller_of(object);
    if (!owner) return "nobody";
    return objects::text_at(*owner, "/kind") + " " + objects::text_at(*owner, "/name");
}

std::string owner_uid(const Document& object) {
    const Document* owner = controller_of(object);
    return owner ? objects::text_at(*owner, "/uid") : std::string{};
}

// Why Pods are not made, as the Deployment's controller says.
std::string deployment_fault(const Document& deployment) {
    for (const Document& each : objects::list_at(deployment, "/status/conditions")) {
        const std::string type = objects::text_at(each, "/type");
        const std::string status = objects::text_at(each, "/status");
        if (type == "ReplicaFailure" && status == "True")
            return "Pods cannot be made: " + objects::text_at(each, "/message");
    }
    return {};
}

// "/etc/penstock/secrets/shop/users/userlist.txt" is "Secret users, key userlist.txt" for people.
std::string with_secret_names(std::string text, const std::string& folder) {
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
        text.replace(at, folder.size(), "Secret ");
        const std::size_t slash = text.find('/', at);
        if (slash != std::string::npos) text.replace(slash, 1, ", key ");
    }
    return text;
}

}  // namespace

Workloads::Workloads(
    Cache& cache,
    Outbox& outbox,
    const PodFleet& fleet,
    objects::ObjectSettings settings,
    std::function<void(domain::Event)> on_event
)
    : cache_(cache),
      outbox_(outbox),
      fleet_(fleet),
      settings_(std::move(settings)),
      on_event_(std::move(on_event)) {}

void Workloads::apply(
    const domain::Workload& workload, const std::string& authorities, domain::Time now
) {
    Pool& pool = pools_[workload.pool];
    if (authorities.empty()) {
        pool.fault = "the operator's own keys are not known yet";
        return;
    }
    const std::int32_t replicas = gated_replicas(workload);
    const bool is_same = pool.workload == workload && pool.authorities == authorities &&
                         pool.replicas == replicas && is_unchanged(pool, now);
    if (!is_same) {
        pool.workload = workload;
        pool.authorities = authorities;
        pool.replicas = replicas;
        pool.is_settled = true;
        pool.has_news = false;
        pool.looked_at = now;
        pool.conflict.clear();
        pool.fault.clear();
        pool.seen.clear();
        pool.keys.clear();
        settings_.operator_ca_pem = authorities;
        for (const Document& wanted : objects::wanted_objects(workload, replicas, settings_)) {
            const runtime::Resource* kind = owned_kind(objects::text_at(wanted, "/kind"));
            if (kind) apply_object(pool, *kind, wanted, now);
        }
    }
    refresh_volumes(workload, now);
}

// Nothing to look at: the cache still shows the same objects and no answer has come. What is not in
// force yet is looked at once a second all the same.
bool Workloads::is_unchanged(const Pool& pool, domain::Time now) const {
    if (pool.has_news || pool.seen.size() != pool.keys.size()) return false;
    if (!pool.is_settled && now - pool.looked_at > unsettled_distance) return false;
    for (std::size_t i = 0; i < pool.keys.size(); ++i) {
        const std::size_t space = pool.keys[i].find(' ');
        const runtime::Resource* kind = owned_kind(pool.keys[i].substr(0, space));
        if (!kind || cache_.find(*kind, pool.keys[i].substr(space + 1)) != pool.seen[i])
            return false;
    }
    return true;
}

// A Deployment that may only grow by what the reserve carries: it starts all at once.
std::int32_t Workloads::gated_replicas(const domain::Workload& workload) const {
    const runtime::Snapshot live = cache_.find(runtime::resources::deployments, workload.pool);
    const auto present =
        live ? static_cast<std::int32_t>(objects::number_at(*live, "/spec/replicas")) : 0;
    if (workload.replicas <= present) return workload.replicas;
    const std::int32_t carried = fleet_.living(workload.pool) + workload.starts_allowed;
    return std::min(workload.replicas, std::max(present, carried));
}

void Workloads::apply_object(
    Pool& pool, const runtime::Resource& kind, const Document& wanted, domain::Time now
) {
    const std::string key = *runtime::key_of(wanted);
    const std::string place = place_of(kind, key);
    Object& object = objects_[place];
    const runtime::Snapshot live = cache_.find(kind, key);
    pool.keys.push_back(place);
    pool.seen.push_back(live);
    if (const std::string fault = outbox_.fault(place); !fault.empty())
        pool.fault = place + ": " + fault;
    if (live && owner_uid(*live) != pool.workload.owner_uid) {
        pool.is_settled = false;
        if (objects::find(*live, "/metadata/deletionTimestamp") ||
            owner_text(*live) == owner_text(wanted))
            pool.fault = place + " is that of an earlier pool and is being deleted";
        else
            pool.conflict = place + " belongs to " + owner_text(*live) +
                            ": rename the pool or remove that object";
        return;
    }
    if (live) object.name = Name::Unknown;
    if (!live && !may_create(pool, kind, wanted, object, now)) {
        pool.is_settled = false;
        return;
    }
    const std::string text = api::to_json_text(wanted);
    if (live && objects::is_in_force(wanted, *live)) {
        object.in_force = text;
        if (kind == runtime::resources::deployments && pool.fault.empty())
            pool.fault = deployment_fault(*live);
        return;
    }
    // The API server has another way of writing it: it took this text, and nothing changed since.
    const std::uint64_t version = live ? runtime::version_of(*live) : 0;
    if (live && object.applied == text && object.applied_version == version) return;
    if (live && object.in_force == text) tell_drift(pool, wanted, *live);
    object.in_force.clear();
    pool.is_settled = false;
    outbox_.want(
        place,
        {apply_request(kind, wanted)},
        [this, place, text, &kind, key = pool.workload.pool](const runtime::Response& response) {
            tell_news(key);
            if (!response.ok()) return;
            auto document = api::parse_json(response.body);
            if (!document) return;
            Object& applied = objects_[place];
            applied.applied = text;
            applied.applied_version = runtime::version_of(*document);
            applied.in_force = text;
            cache_.put(kind, *std::move(document));
        }
    );
}

// The cache has only what is labelled as ours: before a name is used it is looked at.
bool Workloads::may_create(
    Pool& pool,
    const runtime::Resource& kind,
    const Document& wanted,
    Object& object,
    domain::Time now
) {
    const std::string key = *runtime::key_of(wanted);
    if (object.name == Name::Free) return true;
    if (object.name == Name::Taken)
        pool.conflict = place_of(kind, key) + " exists and belongs to " + object.taken_by +
                        ": rename the pool or remove that object";
    const bool is_due = object.name == Name::Unknown || now - object.asked > name_distance;
    if (is_due) {
        if (object.name == Name::Unknown) object.name = Name::Asked;
        object.asked = now;
        ask_for_name(pool.workload, kind, key);
    }
    return false;
}

void Workloads::tell_news(const std::string& pool) {
    if (const auto found = pools_.find(pool); found != pools_.end()) found->second.has_news = true;
}

void Workloads::ask_for_name(
    const domain::Workload& workload, const runtime::Resource& kind, const std::string& key
) {
    runtime::Request request;
    const std::size_t slash = key.find('/');
    request.path = kind.object(key.substr(0, slash), key.substr(slash + 1));
    const std::string place = place_of(kind, key);
    runtime::Write look{request};
    look.done_if_missing = true;
    const auto on_answer = [this, place, pool = workload.pool, uid = workload.owner_uid](
                               const runtime::Response& response
                           ) {
        tell_news(pool);
        Object& object = objects_[place];
        const runtime::Answer answer = runtime::read_answer(response);
        if (answer.what == runtime::AnswerClass::NotFound) {
            object.name = Name::Free;
            return;
        }
        const auto document =
            answer.ok() ? api::parse_json(response.body) : tl::unexpected(api::Error{});
        // Not known: it is asked again.
        if (!document) return;
        const bool is_ours = owner_uid(*document) == uid;
        object.name = is_ours ? Name::Free : Name::Taken;
        object.taken_by = owner_text(*document);
    };
    outbox_.want("look at " + place, std::move(look), on_answer);
}

void Workloads::tell_drift(const Pool& pool, const Document& wanted, const Document& live) const {
    on_event_(
        {domain::Kind::ConnectionPool,
         pool.workload.pool,
         domain::EventType::Warning,
         "Apply",
         "DriftRepaired",
         objects::text_at(wanted, "/kind") + " " + objects::text_at(wanted, "/metadata/name") +
             " was changed by somebody else at " + objects::first_difference(wanted, live) +
             " and is put back"}
    );
}

// The kubelet looks at a Pod's volumes about once a minute, and at once when the Pod changes.
void Workloads::refresh_volumes(const domain::Workload& workload, domain::Time now) {
    for (const PodProxy* proxy : fleet_.of(workload.pool)) {
        const objects::PodFacts& pod = proxy->pod();
        if (!proxy->has_reported() || pod.terminating) continue;
        const api::Report& report = *proxy->seen().report;
        if (report.config_generation >= workload.config.generation &&
            report.config_errors.empty()) {
            pokes_.erase(pod.uid);
            continue;
        }
        Poke& poke = pokes_[pod.uid];
        const auto distance = std::min(poke_distance * (1 + poke.count), poke_distance_most);
        if (poke.count > 0 && now - poke.at < distance) continue;
        poke.at = now;
        const std::string value =
            std::to_string(workload.config.generation) + "." + std::to_string(poke.count++);
        outbox_.want(
            "Pod " + pod.name_space + "/" + pod.name,
            {annotate_request(
                 runtime::resources::pods,
                 pod.name_space,
                 pod.name,
                 objects::config_seen_annotation,
                 value
             ),
             true},
            {}
        );
    }
}

void Workloads::remove(const std::string& pool) {
    const auto found = pools_.find(pool);
    if (found == pools_.end()) return;
    for (const std::string& place : found->second.keys) {
        outbox_.forget(place);
        outbox_.forget("look at " + place);
        objects_.erase(place);
    }
    pools_.erase(found);
}

void Workloads::observe(domain::Observed& observed) const {
    for (const auto& [key, pool] : pools_) {
        if (!pool.fault.empty()) observed.workload_faults[key] = pool.fault;
        if (!pool.conflict.empty()) observed.ownership_conflicts[key] = pool.conflict;
        const std::string folder = observed.secrets_root + "/" + key.substr(0, key.find('/')) + "/";
        for (const PodProxy* proxy : fleet_.of(key)) {
            if (!proxy->has_reported()) continue;
            for (const std::string& error : proxy->seen().report->config_errors)
                if (error.find(folder) != std::string::npos)
                    observed.missing_secrets[key] = with_secret_names(error, folder);
        }
    }
}

}  // namespace penstock::kube
