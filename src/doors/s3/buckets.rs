//! Operations of buckets: ListBuckets, HeadBucket, GetBucketLocation.

use std::sync::Arc;

use hyper::header::HeaderValue;

use crate::clock::Timestamp;
use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::request::DoorRequest;
use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::doors::s3::place::BUCKET;
use crate::doors::s3::reply::document;
use crate::doors::s3::xml::Xml;
use crate::doors::state::Doors;
use crate::doors::visitor::Visitor;

/// The region that clients are told. Signatures of any region hold.
const REGION: &str = "us-east-1";
/// The owner of the bucket.
pub(super) const OWNER: &str = "alimentar";

/// Answers ListBuckets.
///
/// # Errors
/// [`Code::MethodNotAllowed`] for HEAD, and errors of the catalogue.
pub(super) async fn list_buckets(
    doors: &Arc<Doors>,
    visitor: &Visitor,
    request: &DoorRequest,
) -> Result<Answer, S3Error> {
    if request.is_head() {
        return Err(S3Error::of(Code::MethodNotAllowed));
    }
    let list = doors.catalogue.list(visitor).await?;
    let made = list.all().iter().map(|dataset| dataset.created_at).min();
    let mut xml = Xml::document("ListAllMyBucketsResult");
    xml.begin("Owner");
    xml.text("ID", OWNER);
    xml.text("DisplayName", OWNER);
    xml.end();
    xml.begin("Buckets");
    xml.begin("Bucket");
    xml.text("Name", BUCKET);
    xml.text("CreationDate", &time_text(made.unwrap_or(Timestamp(0))));
    xml.text("BucketRegion", REGION);
    Ok(document(xml))
}

/// Answers HeadBucket.
pub(super) fn head_bucket() -> Answer {
    let mut answer = Answer::new(DoorBody::empty());
    let region = HeaderValue::from_static(REGION);
    answer.headers_mut().insert("x-amz-bucket-region", region);
    answer
}

/// Answers GetBucketLocation. An empty element means the region `us-east-1`.
pub(super) fn location() -> Answer {
    document(Xml::document("LocationConstraint"))
}

/// Returns a time as documents of S3 have it.
pub(super) fn time_text(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    let seconds = text.strip_suffix('Z').unwrap_or(&text);
    format!("{seconds}.000Z")
}
