"""The script: every request of every part, in the order in which they are sent."""
import cases_admin
import cases_cluster
import cases_data
import generated
from script import Script


def build():
    script = Script()
    cases_admin.add_topics(script)
    cases_cluster.add_api_versions(script)
    cases_data.add_good_batches(script)
    cases_data.add_bad_batches(script)
    cases_data.add_idempotence(script)
    cases_data.add_fetch(script)
    cases_data.add_offsets(script)
    cases_data.add_delete_records(script)
    cases_cluster.add_metadata(script)
    cases_cluster.add_describe_cluster(script)
    cases_cluster.add_describe_topic_partitions(script)
    cases_cluster.add_coordinators(script)
    cases_admin.add_create_topics(script)
    cases_admin.add_delete_topics(script)
    cases_admin.add_create_partitions(script)
    cases_admin.add_describe_configs(script)
    cases_admin.add_alter_configs(script)
    cases_cluster.add_log_dirs(script)
    generated.add(script)
    cases_cluster.add_all_topics(script)
    cases_cluster.add_raw(script)
    return script
