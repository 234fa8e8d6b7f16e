//! Lists, which Azure tells page by page.

use std::collections::HashSet;

use ajar_core::failure::Trouble;
use url::Url;

use crate::arm_client::{ArmClient, Asked};
use crate::arm_error;
use crate::wire::Page;

/// A list longer than this is no list but a circle.
pub(crate) const MAX_PAGES: usize = 1000;

impl ArmClient {
    /// All members of the list that begins at `url`, page by page as `parse` reads them.
    ///
    /// # Errors
    /// Whatever keeps a page from being read, and a list that does not end.
    pub(crate) async fn read_list<T>(
        &self,
        mut url: Url,
        asked: Asked<'_>,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>>,
    ) -> Result<Vec<T>, Trouble> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        while seen.len() < MAX_PAGES {
            if !seen.insert(url.clone()) {
                return Err(arm_error::unreadable(200, "its list leads back to where it began").into());
            }
            let answer = self.read(url, asked).await?;
            let page = answer.parsed(&parse)?;
            all.extend(page.value.0);
            match page.next_link.filter(|link| !link.is_empty()) {
                Some(link) => url = self.own_url(&link).map_err(|failure| answer.trouble(failure))?,
                None => return Ok(all),
            }
        }
        Err(arm_error::unreadable(200, format!("its list has more than {MAX_PAGES} pages")).into())
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::resource_id::VmResourceId;

    use super::*;
    use crate::scripted::{Scripted, client, json};

    const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";

    #[tokio::test]
    async fn lists_that_lead_in_a_circle_are_not_followed_for_ever() {
        let vm: VmResourceId = VM.parse().unwrap();
        let page = |next: usize| {
            let link = format!("https://management.azure.com/subscriptions/s/page{next}");
            json(200, format!(r#"{{"value":[],"nextLink":"{link}"}}"#))
        };
        let circle = Scripted::new(std::iter::repeat_with(|| page(1)).take(3));
        let end = client(&circle).jit_policies(&vm).await.unwrap_err();
        assert_eq!((end.failure.code(), circle.sent().len()), ("azureError", 2));
        let endless = Scripted::new((0..MAX_PAGES).map(page));
        let end = client(&endless).jit_policies(&vm).await.unwrap_err();
        assert_eq!((end.failure.code(), endless.sent().len()), ("azureError", MAX_PAGES));
    }
}
