// The objects of one kind as the API server showed them last, as immutable snapshots. Fed by a
// Watch; what we wrote ourselves is seen at once (put). Owned by the deciding thread.
#pragma once

#include "crds/api/document.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::runtime {

using Snapshot = std::shared_ptr<const api::Document>;

// "namespace/name", or the name alone of what has no namespace.
std::string key_of(std::string_view name_space, std::string_view name);
// Of an object; nothing when it is no object with a name.
std::optional<std::string> key_of(const api::Document& object);
// metadata.resourceVersion as the number that it is; 0 when there is none.
std::uint64_t version_of(const api::Document& object);
std::uint64_t version_number(std::string_view text);

class Store {
 public:
    Snapshot find(const std::string& key) const;  // null: there is none
    std::vector<Snapshot> all() const;            // in the order of their keys
    template <class F>
    void for_each(F&& visit) const {
        for (const auto& [key, entry] : objects_) visit(key, entry.object);
    }
    std::size_t size() const { return objects_.size(); }
    // Grows when what readers see has become different.
    std::uint64_t changes() const { return changes_; }

    // Read-your-writes: the answer to our own write is seen from here on, and stays until the watch
    // has passed its version. What the watch has passed already is ignored.
    void put(api::Document response);

    // Of the watch. False: it is no object with a name.
    bool apply(api::Document object);
    bool erase(const api::Document& object);
    void pass(std::uint64_t version);  // a bookmark: nothing up to here is still to come
    // A whole list at once: what is not in it is deleted.
    void replace(std::vector<api::Document> objects, std::uint64_t version);

 private:
    struct Entry {
        Snapshot object;
        std::uint64_t version = 0;  // above passed_: our own write, which the watch has yet to show
    };
    void set(const std::string& key, Entry entry);
    bool is_older(const std::string& key, std::uint64_t version) const;

    std::map<std::string, Entry> objects_;
    std::uint64_t passed_ = 0;
    std::uint64_t changes_ = 0;
};

}  // namespace penstock::runtime
