"""Reads features with Feast, whose remote online store is this program.

usage: check_features_feast.py URL
"""

import datetime
import pathlib
import sys
import tempfile

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float32, Float64, Int64, String
from feast.value_type import ValueType

url = sys.argv[1]
directory = pathlib.Path(tempfile.mkdtemp())
store = FeatureStore(config=RepoConfig(
    project="lab",
    provider="local",
    registry=str(directory / "registry.db"),
    online_store={"type": "remote", "path": url},
    # It is not asked for anything.
    offline_store={"type": "remote", "host": "127.0.0.1", "port": 9},
    entity_key_serialization_version=3,
))
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
source = FileSource(path=str(directory / "none.parquet"), timestamp_field="event_timestamp")
views = [
    FeatureView(name=name, entities=[user], ttl=datetime.timedelta(hours=1), source=source, schema=[
        Field(name="user_id", dtype=String), Field(name="score", dtype=score), Field(name="visits", dtype=Int64)])
    for name, score in [("users", Float32), ("written", Float64)]
]
store.registry.apply_entity(user, "lab")
for view in views:
    store.registry.apply_feature_view(view, "lab")

rows = [{"user_id": "u1"}, {"user_id": "nobody"}, {"user_id": "u5"}]
answer = store.get_online_features(features=["users:score", "users:visits"], entity_rows=rows)
assert answer.to_dict() == {
    "user_id": ["u1", "nobody", "u5"], "score": [0.125, None, 0.625], "visits": [1, None, None],
}, answer.to_dict()
statuses = [list(result.statuses) for result in answer.proto.results]
# PRESENT 2, NULL_VALUE 3, NOT_FOUND 1... the numbers are Feast's.
names = answer.proto.results[1].DESCRIPTOR.fields_by_name["statuses"].enum_type.values_by_number
assert [[names[s].name for s in result] for result in statuses[1:]] == [
    ["PRESENT", "NOT_FOUND", "PRESENT"], ["PRESENT", "NOT_FOUND", "NULL_VALUE"]], statuses
answer = store.get_online_features(features=["users:score"], entity_rows=rows[:1], full_feature_names=True)
assert answer.to_dict() == {"user_id": ["u1"], "users__score": [0.125]}, answer.to_dict()
# A feature service stands in the client's registry. Its name alone says nothing to the server, which names the way out.
service = FeatureService(name="fraud", features=[views[0][["visits", "score"]]])
store.registry.apply_feature_service(service, "lab")
try:
    store.get_online_features(features=service, entity_rows=rows[:1])
    raise AssertionError("a feature service was taken")
except RuntimeError as refused:
    assert "422" in str(refused) and "view:feature" in str(refused), refused
projections = store.get_feature_service("fraud").feature_view_projections
names_of_service = [f"{view.name}:{feature.name}" for view in projections for feature in view.features]
answer = store.get_online_features(features=names_of_service, entity_rows=rows[:1])
assert answer.to_dict() == {"user_id": ["u1"], "visits": [1], "score": [0.125]}, answer.to_dict()

# Rows that Feast writes; one is too old for the table.
now = datetime.datetime.now(datetime.timezone.utc)
frame = pd.DataFrame({
    "user_id": ["a", "b"], "score": [0.5, 1.5], "visits": [1, 2],
    "event_timestamp": [now, now - datetime.timedelta(days=2)], "created": [now, now],
})
store.write_to_online_store("written", frame)
answer = store.get_online_features(
    features=["written:score", "written:visits", "users:visits"], entity_rows=[{"user_id": "a"}, {"user_id": "b"}],
    full_feature_names=True)
assert answer.to_dict() == {
    "user_id": ["a", "b"], "written__score": [0.5, None], "written__visits": [1, None], "users__visits": [None, None],
}, answer.to_dict()
expired = [names[s].name for s in answer.proto.results[1].statuses]
assert expired == ["PRESENT", "OUTSIDE_MAX_AGE"], expired
print("Feast agrees")
