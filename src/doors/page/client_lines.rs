//! Lines that connect other programs to a node: to type, or to copy into a script.

use crate::doors::page::facts::shell_word;
use crate::doors::page::links::encoded_path;

/// Names of the clients.
pub(super) const CLIENTS: [(&str, &str); 14] = [
    ("hf", "hf, the command of the hub"),
    ("datasets", "datasets"),
    ("pandas", "pandas"),
    ("polars", "polars"),
    ("duckdb", "DuckDB"),
    ("pyarrow", "pyarrow"),
    ("dask", "Dask"),
    ("ray", "Ray Data"),
    ("spark", "Spark"),
    ("boto3", "boto3"),
    ("aws", "aws, the command"),
    ("s3fs", "s3fs"),
    ("rclone", "rclone"),
    ("curl", "curl"),
];

/// The bucket of all datasets.
const BUCKET: &str = "datasets";
/// The region that clients have to name. Any will do.
const REGION: &str = "us-east-1";

/// Returns the lines by which a client reads from a node; `None` for an unknown client, or one that needs a door that the
/// node has not. `http` and `s3` are URLs without a slash at the end. `dataset` is `PUBLISHER/NAME`, with
/// `@VERSION` and `:PATH` if they are known.
pub fn client_lines(
    client: &str,
    http: Option<&str>,
    s3: Option<&str>,
    dataset: Option<&str>,
) -> Option<String> {
    let place = Place::of(http, s3, dataset.unwrap_or("PUBLISHER/NAME:data.parquet"));
    match client {
        "hf" => place.hf(),
        "datasets" => place.datasets(),
        "pandas" => place.pandas(),
        "polars" => place.polars(),
        "duckdb" => place.duckdb(),
        "pyarrow" => place.pyarrow(),
        "dask" => place.dask(),
        "ray" => place.ray(),
        "spark" => place.spark(),
        "boto3" => place.boto3(),
        "aws" => place.aws(),
        "s3fs" => place.s3fs(),
        "rclone" => place.rclone(),
        "curl" => place.curl(),
        _ => None,
    }
}

/// The form of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
    Other,
    Parquet,
}

/// A dataset at the doors of a node.
struct Place<'a> {
    http: Option<&'a str>,
    s3: Option<&'a str>,
    /// `PUBLISHER/NAME`.
    id: &'a str,
    version: Option<&'a str>,
    path: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(http: Option<&'a str>, s3: Option<&'a str>, dataset: &'a str) -> Self {
        let (named, path) = match dataset.split_once(':') {
            Some((named, path)) => (named, Some(path)),
            None => (dataset, None),
        };
        let (id, version) = match named.split_once('@') {
            Some((id, version)) => (id, Some(version)),
            None => (named, None),
        };
        let trim = |url: &'a str| url.trim_end_matches('/');
        Self {
            http: http.map(trim),
            s3: s3.map(trim),
            id,
            version,
            path,
        }
    }

    fn form(&self) -> Form {
        let path = self.path.unwrap_or("data.parquet").to_ascii_lowercase();
        let path = path.strip_suffix(".gz").unwrap_or(&path);
        let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
        match path {
            _ if ends(&[".parquet"]) => Form::Parquet,
            _ if ends(&[".jsonl", ".ndjson", ".json"]) => Form::Json,
            _ if ends(&[".csv"]) => Form::Csv,
            _ => Form::Other,
        }
    }

    fn path(&self) -> &str {
        self.path.unwrap_or("data.parquet")
    }

    /// The name of the version at the hub's door.
    fn revision(&self) -> &str {
        self.version.unwrap_or("main")
    }

    /// The beginning of the keys in the bucket.
    fn prefix(&self) -> String {
        format!("{BUCKET}/{}@{}", self.id, self.version.unwrap_or("latest"))
    }

    /// The key of the file in the bucket.
    fn key(&self) -> String {
        format!(
            "{}@{}/{}",
            self.id,
            self.version.unwrap_or("latest"),
            self.path()
        )
    }

    /// The URL of the file at the hub's door.
    fn url(&self, http: &str) -> String {
        let (id, revision) = (encoded_path(self.id), encoded_path(self.revision()));
        let revision = revision.replace('/', "%2F");
        format!(
            "{http}/datasets/{id}/resolve/{revision}/{}",
            encoded_path(self.path())
        )
    }

    fn hf(&self) -> Option<String> {
        let revision = match self.version {
            Some(version) => format!(" --revision {}", shell_word(version)),
            None => String::new(),
        };
        Some(format!(
            "export HF_ENDPOINT={}\n\
             # With a token: export HF_TOKEN=SECRET\n\
             hf download --repo-type dataset {}{revision}",
            shell_word(self.http?),
            shell_word(self.id),
        ))
    }

    /// The first lines of a script that reads through the hub's door.
    fn hub_script(&self) -> Option<String> {
        Some(format!(
            "import os\n\
             os.environ[\"HF_ENDPOINT\"] = {}  # before the next import\n\
             # With a token: os.environ[\"HF_TOKEN\"] = \"SECRET\"\n",
            python(self.http?)
        ))
    }

    fn datasets(&self) -> Option<String> {
        let revision = self
            .version
            .map_or_else(String::new, |v| format!(", revision={}", python(v)));
        Some(format!(
            "{}from datasets import load_dataset\n\
             dataset = load_dataset({}{revision})",
            self.hub_script()?,
            python(self.id),
        ))
    }

    fn pandas(&self) -> Option<String> {
        let place = format!(
            "hf://datasets/{}@{}/{}",
            self.id,
            self.revision(),
            self.path()
        );
        let read = match self.form() {
            Form::Json => format!("read_json({}, lines=True)", python(&place)),
            Form::Csv => format!("read_csv({})", python(&place)),
            Form::Parquet | Form::Other => format!("read_parquet({})", python(&place)),
        };
        Some(format!(
            "{}import pandas\nframe = pandas.{read}",
            self.hub_script()?
        ))
    }

    fn polars(&self) -> Option<String> {
        let scan = match self.form() {
            Form::Json => "scan_ndjson",
            Form::Csv => "scan_csv",
            Form::Parquet | Form::Other => "scan_parquet",
        };
        let Some(s3) = self.s3 else {
            let url = self.url(self.http?);
            return Some(format!(
                "import polars\nframe = polars.{scan}({}).collect()",
                python(&url)
            ));
        };
        Some(format!(
            "import polars\n\
             # Its own hf:// goes to one fixed host, so it reads through S3.\n\
             options = {{\"aws_endpoint_url\": {}, \"aws_region\": \"{REGION}\", \"aws_allow_http\": \"true\",\n           \
             \"aws_skip_signature\": \"true\"}}\n\
             # With a token, instead of the last: \"aws_access_key_id\": \"ACCESS_KEY\", \"aws_secret_access_key\": \"SECRET\"\n\
             frame = polars.{scan}({}, storage_options=options).collect()",
            python(s3),
            python(&format!("s3://{BUCKET}/{}", self.key())),
        ))
    }

    fn duckdb(&self) -> Option<String> {
        let Some(s3) = self.s3 else {
            let url = self.url(self.http?);
            return Some(format!(
                "INSTALL httpfs; LOAD httpfs;\nSELECT * FROM {} LIMIT 10;",
                self.duckdb_read(&url)
            ));
        };
        let (is_tls, host) = split_url(s3);
        let file = format!("s3://{BUCKET}/{}", self.key());
        Some(format!(
            "INSTALL httpfs; LOAD httpfs;\n\
             -- Its own hf:// goes to one fixed host, so it reads through S3.\n\
             -- With a token, add: KEY_ID 'ACCESS_KEY', SECRET 'SECRET'\n\
             CREATE SECRET alimentar (TYPE s3, ENDPOINT {}, URL_STYLE 'path', USE_SSL {is_tls}, REGION '{REGION}');\n\
             SELECT * FROM {} LIMIT 10;",
            sql(host),
            self.duckdb_read(&file),
        ))
    }

    fn duckdb_read(&self, place: &str) -> String {
        let read = match self.form() {
            Form::Json => "read_json",
            Form::Csv => "read_csv",
            Form::Parquet | Form::Other => "read_parquet",
        };
        format!("{read}({})", sql(place))
    }

    /// The store of pyarrow.
    fn arrow_store(&self) -> Option<String> {
        let (is_tls, host) = split_url(self.s3?);
        Some(format!(
            "store = pyarrow.fs.S3FileSystem(endpoint_override={}, scheme=\"{}\", region=\"{REGION}\", anonymous=True)\n\
             # With a token, instead of `anonymous`: access_key=\"ACCESS_KEY\", secret_key=\"SECRET\"\n",
            python(host),
            if is_tls { "https" } else { "http" },
        ))
    }

    fn arrow_format(&self) -> &'static str {
        match self.form() {
            Form::Json => "json",
            Form::Csv => "csv",
            Form::Parquet | Form::Other => "parquet",
        }
    }

    fn pyarrow(&self) -> Option<String> {
        Some(format!(
            "import pyarrow.dataset\n\
             import pyarrow.fs\n\
             {}table = pyarrow.dataset.dataset({}, filesystem=store, format=\"{}\").to_table()",
            self.arrow_store()?,
            python(&format!("{BUCKET}/{}", self.key())),
            self.arrow_format(),
        ))
    }

    fn ray(&self) -> Option<String> {
        Some(format!(
            "import pyarrow.fs\n\
             import ray\n\
             {}rows = ray.data.read_{}({}, filesystem=store)",
            self.arrow_store()?,
            self.arrow_format(),
            python(&format!("{BUCKET}/{}", self.key())),
        ))
    }

    fn dask(&self) -> Option<String> {
        let (read, more) = match self.form() {
            Form::Json => ("read_json", ", lines=True"),
            Form::Csv => ("read_csv", ""),
            Form::Parquet | Form::Other => ("read_parquet", ""),
        };
        Some(format!(
            "import dask.dataframe\n\
             # With a token, instead of `anon`: \"key\": \"ACCESS_KEY\", \"secret\": \"SECRET\"\n\
             options = {{\"anon\": True, \"endpoint_url\": {}}}\n\
             frame = dask.dataframe.{read}({}{more}, storage_options=options)",
            python(self.s3?),
            python(&format!("s3://{BUCKET}/{}", self.key())),
        ))
    }

    fn spark(&self) -> Option<String> {
        let s3 = self.s3?;
        let (is_tls, _) = split_url(s3);
        Some(format!(
            "from pyspark.sql import SparkSession\n\
             # The version of hadoop-aws is that of Spark's own Hadoop: jars/hadoop-client-api-VERSION.jar\n\
             spark = (\n    \
                 SparkSession.builder.config(\"spark.jars.packages\", \"org.apache.hadoop:hadoop-aws:3.5.0\")\n    \
                 .config(\"spark.hadoop.fs.s3a.endpoint\", {})\n    \
                 .config(\"spark.hadoop.fs.s3a.endpoint.region\", \"{REGION}\")\n    \
                 .config(\"spark.hadoop.fs.s3a.path.style.access\", \"true\")\n    \
                 .config(\"spark.hadoop.fs.s3a.connection.ssl.enabled\", \"{is_tls}\")\n    \
                 # With a token, instead of the next line: fs.s3a.access.key and fs.s3a.secret.key\n    \
                 .config(\"spark.hadoop.fs.s3a.aws.credentials.provider\", \"org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider\")\n    \
                 .getOrCreate()\n\
             )\n\
             frame = spark.read.{}({})",
            python(s3),
            self.arrow_format(),
            python(&format!("s3a://{BUCKET}/{}", self.key())),
        ))
    }

    fn boto3(&self) -> Option<String> {
        let name = self.path().rsplit('/').next().unwrap_or_default();
        Some(format!(
            "import boto3\n\
             from botocore import UNSIGNED\n\
             from botocore.config import Config\n\
             # With a token, without `signature_version`: aws_access_key_id=\"ACCESS_KEY\", aws_secret_access_key=\"SECRET\"\n\
             config = Config(signature_version=UNSIGNED, s3={{\"addressing_style\": \"path\"}})\n\
             s3 = boto3.client(\"s3\", endpoint_url={}, region_name=\"{REGION}\", config=config)\n\
             s3.download_file(\"{BUCKET}\", {}, {})",
            python(self.s3?),
            python(&self.key()),
            python(name),
        ))
    }

    fn aws(&self) -> Option<String> {
        let s3 = shell_word(self.s3?);
        let place = shell_word(&format!("s3://{}/", self.prefix()));
        Some(format!(
            "# With a token: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and without --no-sign-request\n\
             aws --endpoint-url {s3} --region {REGION} --no-sign-request s3 ls {place}\n\
             aws --endpoint-url {s3} --region {REGION} --no-sign-request s3 cp --recursive {place} copy/",
        ))
    }

    fn s3fs(&self) -> Option<String> {
        Some(format!(
            "import s3fs\n\
             # With a token, instead of `anon`: key=\"ACCESS_KEY\", secret=\"SECRET\"\n\
             store = s3fs.S3FileSystem(anon=True, endpoint_url={})\n\
             print(store.ls({}))",
            python(self.s3?),
            python(&self.prefix()),
        ))
    }

    fn rclone(&self) -> Option<String> {
        let endpoint = self.s3?.replace('"', "\"\"");
        let remote = format!(
            ":s3,provider=Other,region={REGION},endpoint=\"{endpoint}\":{}",
            self.prefix()
        );
        Some(format!(
            "# With a token: RCLONE_S3_ACCESS_KEY_ID and RCLONE_S3_SECRET_ACCESS_KEY\n\
             rclone copy {} copy/",
            shell_word(&remote),
        ))
    }

    fn curl(&self) -> Option<String> {
        Some(format!(
            "# With a token: -H 'Authorization: Bearer SECRET'\n\
             curl -fLO {}",
            shell_word(&self.url(self.http?)),
        ))
    }
}

/// Returns true for TLS, and the host with its port.
fn split_url(url: &str) -> (bool, &str) {
    match url.split_once("://") {
        Some((scheme, host)) => (scheme == "https", host),
        None => (false, url),
    }
}

/// Returns a text as a literal of Python.
fn python(text: &str) -> String {
    // JSON's escapes are Python's too.
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Returns a text as a literal of SQL.
fn sql(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: Option<&str> = Some("http://127.0.0.1:8080");
    const S3: Option<&str> = Some("http://127.0.0.1:9000");

    #[test]
    fn every_client_has_lines_where_its_door_is_open() {
        for (client, _) in CLIENTS {
            let both = client_lines(client, HTTP, S3, None);
            assert!(both.is_some_and(|lines| !lines.ends_with('\n')), "{client}");
            assert_eq!(client_lines(client, None, None, None), None, "{client}");
            let one = [(HTTP, None), (None, S3)];
            let one = one.map(|(http, s3)| client_lines(client, http, s3, None));
            assert!(one.iter().any(Option::is_some), "{client}");
        }
        assert_eq!(client_lines("nothing", HTTP, S3, None), None);
    }

    #[test]
    fn names_are_quoted_in_the_language_of_the_client() {
        let dataset = Some("a lab/it's@1.0.0:x \"y\"/1.csv");
        let line = |client| client_lines(client, HTTP, S3, dataset).unwrap();
        for (client, wanted) in [
            (
                "hf",
                "hf download --repo-type dataset 'a lab/it'\\''s' --revision 1.0.0",
            ),
            (
                "pandas",
                "read_csv(\"hf://datasets/a lab/it's@1.0.0/x \\\"y\\\"/1.csv\")",
            ),
            (
                "duckdb",
                "FROM read_csv('s3://datasets/a lab/it''s@1.0.0/x \"y\"/1.csv')",
            ),
            (
                "curl",
                "curl -fLO http://127.0.0.1:8080/datasets/a%20lab/it%27s/resolve/1.0.0/x%20%22y%22/1.csv",
            ),
        ] {
            assert!(line(client).contains(wanted), "{}", line(client));
        }
    }

    #[test]
    fn version_and_file_that_are_not_known_are_the_newest_and_an_example() {
        let lines = client_lines("boto3", None, S3, Some("lab/d")).unwrap();
        assert!(
            lines.contains("\"lab/d@latest/data.parquet\", \"data.parquet\""),
            "{lines}"
        );
        let lines = client_lines("duckdb", HTTP, None, Some("lab/d:a.jsonl.gz")).unwrap();
        let wanted = "read_json('http://127.0.0.1:8080/datasets/lab/d/resolve/main/a.jsonl.gz')";
        assert!(lines.contains(wanted), "{lines}");
    }
}
